select household_id from households where coalesce(home_ownership, 'unknown') not like '%Homeowner';
