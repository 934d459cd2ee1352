select distinct customer_id from customers join users using (customer_id)
where industry = 'hospitality' and employees between 50 and 249 and role = 'chef';
