select customer_id from invoices where due_on < '2026-10-25' group by customer_id
having sum(open_amount) > 0 and count(*) filter (open_amount > 0 and reminder_level < 2) = 0;
