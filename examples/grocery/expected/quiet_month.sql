select household_id from baskets where month(day) = 11
except
select household_id from baskets where month(day) = 12;
