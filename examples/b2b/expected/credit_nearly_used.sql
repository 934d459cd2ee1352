select customer_id from customers where 10 * open_balance >= 8 * credit_limit;
