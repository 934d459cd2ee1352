select household_id from households join spend using (household_id)
where spend < 3000 and income in ('100-124K', '125-149K', '150-174K', '175-199K', '200-249K', '250K+');
