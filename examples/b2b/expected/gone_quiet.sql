select customer_id from visits group by customer_id
having bool_or("at" >= '2026-08-26' and "at" < '2026-10-26') and not bool_or("at" >= '2026-10-26');
