select customer_id from orders where placed_at >= '2026-03-01'
group by customer_id having count(distinct month(placed_at)) >= 3 and max(placed_at) < '2026-08-01';
