select customer_id from customers join yearly using (customer_id) join carts using (customer_id)
where region = 'Europe' and this_year > 50000 and coalesce(last_login_at < '2026-11-10', true)
group by customer_id having sum(quantity) > 15;
