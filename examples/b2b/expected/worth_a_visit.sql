select customer_id from customers join yearly using (customer_id)
where (coalesce(employees >= 250, false) or coalesce(annual_revenue > 50000000, false))::int
    + (select count(distinct strftime(o.placed_at, '%Y-%m')) >= 9 from orders o
       where o.customer_id = customers.customer_id and placed_at >= '2025-11-01' and placed_at < '2026-11-01')::int
    + (last_year > 0 and this_year > last_year)::int
    + (select count(*) > 0 from users u where u.customer_id = customers.customer_id and role = 'chef')::int >= 2;
