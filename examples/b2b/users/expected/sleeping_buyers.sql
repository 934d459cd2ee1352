select user_id from users where role = 'buyer' and coalesce(last_login_at < '2026-10-25', true)
  and customer_id in (select customer_id from orders where placed_at >= '2026-10-25');
