select user_id from (
  select user_id, last_login_at, max(last_login_at) over company as latest, count(*) over company as number
  from users window company as (partition by customer_id)
) where last_login_at = latest and number >= 2;
