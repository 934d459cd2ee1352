select customer_id from customers where country = 'NL';
