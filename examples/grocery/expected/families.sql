select household_id from households where kids_count in ('1', '2', '3+');
