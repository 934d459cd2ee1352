select household_id from mailings
group by household_id
having count(*) >= 5
except
select household_id from redemptions;
