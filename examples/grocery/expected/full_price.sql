select household_id from purchases
group by household_id
having sum(sales_value) >= 500 and 10 * count(*) filter (retail_disc > 0) <= 3 * count(*);
