select customer_id from customers where account_kind = 'producer';
