select household_id from baskets
group by household_id
having count(*) filter (day < date '2017-07-01') > 0
   and count(*) filter (day between date '2017-07-01' and date '2017-09-30') = 0
   and count(*) filter (day > date '2017-09-30') > 0;
