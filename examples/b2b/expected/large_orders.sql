select customer_id from done group by customer_id having sum(total) > 400 * count(*);
