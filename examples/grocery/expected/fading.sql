with quarters as (
  select household_id,
         coalesce(sum(total) filter (day between date '2017-10-01' and date '2017-12-31'), 0) as fourth,
         coalesce(sum(total) filter (day between date '2017-07-01' and date '2017-09-30'), 0) as third
  from baskets
  group by household_id
)
select household_id from quarters where third >= 300 and fourth > 0 and fourth * 2 < third;
