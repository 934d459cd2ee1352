select household_id from lines
where quantity between 10 and 500 and coalesce(department, '') not in ('FUEL', 'MISCELLANEOUS')
group by household_id
having count(*) >= 5;
