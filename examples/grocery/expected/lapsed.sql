select household_id from baskets group by household_id having max(day) < date '2017-10-02';
