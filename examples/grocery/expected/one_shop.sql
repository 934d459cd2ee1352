select household_id from baskets group by household_id having count(*) >= 10 and count(distinct store_id) = 1;
