select household_id from spend
where spend >= 6000
  and household_id in (select household_id from baskets where day >= date '2017-12-24');
