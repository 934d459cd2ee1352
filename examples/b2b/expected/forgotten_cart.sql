select customer_id from carts group by customer_id having max(changed_at) < '2026-11-17';
