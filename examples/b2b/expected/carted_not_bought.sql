select customer_id from (
  select customer_id, sku from carts where added_at >= '2026-11-16' and added_at < '2026-11-23'
  except
  select customer_id, sku from lines where placed_at >= '2026-11-16'
);
