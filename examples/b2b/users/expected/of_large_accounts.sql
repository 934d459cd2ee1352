select user_id from users join yearly using (customer_id) where this_year > 50000;
