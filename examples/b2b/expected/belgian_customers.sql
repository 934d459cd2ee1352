select customer_id from customers where country = 'BE' and kind = 'customer';
