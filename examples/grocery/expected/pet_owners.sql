select household_id from lines
where category = 'DOG FOODS' or category = 'CAT FOOD'
group by household_id
having count(*) >= 3;
