-- 24 November to 24 December: no leap day and no turn of the year in between.
select distinct customer_id from users where active and strftime(birthday, '%m-%d') between '11-24' and '12-24';
