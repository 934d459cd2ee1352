select customer_id from users group by customer_id
having bool_or(role = 'buyer' and active) and count(*) filter (role = 'approver') = 0;
