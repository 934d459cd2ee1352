with spent as (
  select customer_id, industry, region, coalesce(this_year, 0) as spent from customers left join yearly using (customer_id)
  where industry is not null and region is not null
), beside as (select customer_id, spent, avg(spent) over (partition by industry, region) as usual from spent)
select customer_id from beside where spent > 2 * usual;
