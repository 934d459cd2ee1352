select household_id from mailings join campaigns using (campaign_id)
where date '2017-12-31' between starts_on and ends_on
except
select household_id from redemptions where redeemed_on >= date '2017-12-01';
