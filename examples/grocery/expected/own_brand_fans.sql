select household_id from lines
group by household_id
having count(*) >= 50 and 2 * count(*) filter (brand = 'Private') >= count(*);
