select customer_id from customers where kind = 'prospect' and (employees >= 250 or annual_revenue > 50000000);
