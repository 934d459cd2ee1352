select household_id from baskets
where day between date '2017-12-18' and date '2017-12-24'
group by household_id
having count(*) >= 3;
