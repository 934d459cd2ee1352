select distinct customer_id from (
  select customer_id from lines where placed_at >= '2026-05-01' and placed_at < '2026-11-01'
  group by customer_id, sku having count(distinct month(placed_at)) = 6
);
