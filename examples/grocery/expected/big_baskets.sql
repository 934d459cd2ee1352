select household_id from baskets
group by household_id
having count(*) >= 10 and sum(total) >= 60 * count(*);
