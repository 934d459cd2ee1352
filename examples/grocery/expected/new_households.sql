select household_id from baskets group by household_id having min(day) >= date '2017-06-30';
