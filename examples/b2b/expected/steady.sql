select customer_id from orders where placed_at >= '2026-06-01' and placed_at < '2026-11-01'
group by customer_id having count(distinct month(placed_at)) >= 3;
