select customer_id from customers where parent_id in (
  select parent_id from customers join yearly using (customer_id)
  group by parent_id having count(*) >= 10 and sum(this_year) > 100000
);
