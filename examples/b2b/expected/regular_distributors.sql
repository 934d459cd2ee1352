select customer_id from customers join orders using (customer_id)
where account_kind = 'distributor' and placed_at >= '2025-11-01' and placed_at < '2026-11-01'
group by customer_id having count(distinct strftime(placed_at, '%Y-%m')) >= 9;
