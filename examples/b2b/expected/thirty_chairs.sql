select distinct customer_id from lines where category = 'chairs' and quantity >= 30;
