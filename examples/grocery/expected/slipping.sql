select household_id from baskets
group by household_id
having max(day) between date '2017-11-01' and date '2017-12-01';
