select household_id from households where age = '65+';
