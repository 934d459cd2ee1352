with spent as (
  select customer_id, coalesce(this_year, 0) as spent from customers left join yearly using (customer_id) where kind = 'customer'
), placed as (select customer_id, rank() over (order by spent desc) as place, count(*) over () as n from spent)
select customer_id from placed where place <= (n + 9) // 10;
