select customer_id from customers join addresses using (customer_id)
where contact_gender = 'f' and city ilike '%los angeles%' and state = 'CA' and is_default_billing;
