select distinct customer_id from contracts where ends_on between '2026-11-24' and '2027-02-22' and not auto_renew;
