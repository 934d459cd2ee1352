select customer_id from customers join carts using (customer_id) where "group" = 'Wholesale' and newsletter
group by customer_id having count(*) >= 2 and sum(amount) > 200;
