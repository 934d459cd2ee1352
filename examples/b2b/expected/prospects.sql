select customer_id from customers where kind = 'prospect';
