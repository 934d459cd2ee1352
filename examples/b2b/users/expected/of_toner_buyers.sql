select user_id from users where customer_id in (select customer_id from lines where category = 'toner' and placed_at >= '2026-08-24');
