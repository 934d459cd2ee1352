select customer_id from lines where category = 'A' and placed_at >= '2026-03-01' and placed_at < '2026-07-01'
union
select customer_id from views where category = 'A' and "at" >= '2026-03-01' and "at" < '2026-07-01'
union
select customer_id from wishes where category = 'A' and added_on between '2026-03-01' and '2026-06-30'
union
select customer_id from carts where category = 'A' and added_at >= '2026-03-01' and added_at < '2026-07-01';
