select household_id from households where age is null;
