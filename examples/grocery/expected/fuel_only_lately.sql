select household_id from lines
where day >= date '2017-10-02' and listed
group by household_id
having bool_and(department = 'FUEL');
