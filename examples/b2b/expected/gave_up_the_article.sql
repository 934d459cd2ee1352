select customer_id from lines where sku = 'SKU-00001'
group by customer_id having count(*) > 1 and max(placed_at) < '2026-08-24';
