select customer_id from lines where category = 'printers'
except
select customer_id from lines where category = 'toner';
