select distinct user_id from views where category = 'toner' and "at" >= '2026-10-25'
  and customer_id not in (select customer_id from lines where category = 'toner' and placed_at >= '2026-08-24');
