select customer_id from yearly where last_year > 0 and this_year > last_year;
