select household_id from lines
where day >= date '2017-10-02'
group by household_id
having bool_and(department is not null and department = 'FUEL');
