select household_id from spend where spend >= 500 and saved * 4 >= spend + saved;
