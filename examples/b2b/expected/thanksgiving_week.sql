-- Thanksgiving is on 26 November 2026.
select customer_id from customers where country = 'US' and kind = 'customer';
