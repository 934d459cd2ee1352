select customer_id from orders where status = 'complete' and year(placed_at) = 2026 and ship_country = 'US'
group by customer_id having count(*) between 3 and 10;
