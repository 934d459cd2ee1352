select distinct customer_id from customers join addresses using (customer_id)
where contact_gender = 'f' and city in ('Los Angeles', 'LOS ANGELES') and state = 'CA';
