select customer_id from orders group by customer_id having 2 * count(*) filter (delivery_terms = 'next day') >= count(*);
