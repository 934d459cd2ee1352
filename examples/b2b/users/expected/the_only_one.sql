select arg_max(user_id, active) from users where customer_id in (select customer_id from orders)
group by customer_id having count(*) filter (active) = 1;
