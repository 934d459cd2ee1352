select customer_id from customers where language = 'nl';
