with halves as (
  select household_id, day >= date '2017-07-01' as later, list(distinct store_id) as shops
  from baskets
  group by all
)
select a.household_id from halves a join halves b using (household_id)
where not a.later and b.later and len(a.shops) = 1 and len(b.shops) = 1 and a.shops[1] <> b.shops[1];
