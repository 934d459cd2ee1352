select household_id from baskets
where day >= date '2017-10-02'
group by household_id
having count(*) >= 30 and sum(total) < 15 * count(*);
