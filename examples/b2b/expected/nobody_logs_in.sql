select customer_id from customers where tier = 'business'
except
select customer_id from users where last_login_at >= '2026-10-25';
