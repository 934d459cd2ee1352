select customer_id from yearly where this_year > 50000
union
select customer_id from done where placed_at >= '2025-11-24' group by customer_id having count(*) >= 12;
