select distinct household_id from redemptions;
