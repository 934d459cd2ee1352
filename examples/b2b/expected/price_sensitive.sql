select customer_id from orders group by customer_id
having count(*) >= 5 and 10 * count(*) filter (discount > 0) >= 6 * count(*);
