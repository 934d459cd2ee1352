select customer_id from (
  select customer_id, sku from views where price > 500
  except
  select customer_id, sku from lines
);
