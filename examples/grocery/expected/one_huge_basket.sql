select distinct household_id from baskets where total > 300;
