select distinct customer_id from carts;
