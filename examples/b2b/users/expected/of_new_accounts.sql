select user_id from users
where customer_id in (select customer_id from orders group by customer_id having min(placed_at) >= '2026-10-25');
