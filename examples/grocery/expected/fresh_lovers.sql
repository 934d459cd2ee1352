with fresh as (
  select household_id, sum(sales_value) as fresh
  from lines
  where department in ('PRODUCE', 'MEAT', 'SEAFOOD', 'SALAD BAR', 'PASTRY')
  group by household_id
)
select household_id from spend join fresh using (household_id) where spend >= 500 and fresh * 10 >= spend * 3;
