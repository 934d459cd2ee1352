select user_id from users
where role = 'buyer' and customer_id not in (select customer_id from users where role = 'approver');
