select household_id from households where household_comp = '1 Adult Kids';
