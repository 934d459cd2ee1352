select distinct household_id from lines
where department = 'FLORAL' and day between date '2017-02-10' and date '2017-02-14';
