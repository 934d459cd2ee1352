with spent as (select c.customer_id, coalesce(sum(total), 0) as total from customers c left join done using (customer_id) group by all)
select user_id from users where customer_id in (select parent_id from customers)
union
select user_id from users join customers c using (customer_id) join spent s using (customer_id)
join spent h on h.customer_id = c.parent_id where h.total > s.total;
