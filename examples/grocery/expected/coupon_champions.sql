select household_id from redemptions join campaigns using (campaign_id)
group by household_id
having count(*) >= 10 and bool_or(kind = 'Type A');
