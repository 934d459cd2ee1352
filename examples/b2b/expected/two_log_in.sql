select customer_id from customers c join users u using (customer_id)
where tier = 'business' and u.last_login_at >= '2026-10-25' group by customer_id having count(*) >= 2;
