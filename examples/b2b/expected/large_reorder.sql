select customer_id from orders group by customer_id
having count(*) >= 3 and arg_max(total, (placed_at, order_id)) >= 5 * median(total);
