select household_id from spend
where spend >= 1000 and not exists (select 1 from mailings m where m.household_id = spend.household_id);
