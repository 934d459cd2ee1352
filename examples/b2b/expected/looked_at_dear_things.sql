select customer_id from views where price > 500 and "at" >= '2026-11-23'
except
select customer_id from orders where placed_at >= '2026-11-01';
