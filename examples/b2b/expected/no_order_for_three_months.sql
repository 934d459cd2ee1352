select customer_id from orders group by customer_id having max(placed_at) < '2026-08-24';
