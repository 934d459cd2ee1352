select distinct customer_id from customers join orders using (customer_id)
where last_login_at < '2026-10-15' or last_login_at is null;
