with totals as (
  select customer_id, sum(total) as spent, count(*) filter (placed_at >= '2025-11-24') as number,
         sum(total) filter (placed_at >= '2025-11-24') as lately
  from done group by customer_id
), latest as (select customer_id, max(placed_at) as at_last from orders group by customer_id)
select customer_id from customers join totals using (customer_id) join latest using (customer_id)
where country = 'US' and (at_last >= '2026-05-24' and spent >= 300 or number > 3 and lately >= 400);
