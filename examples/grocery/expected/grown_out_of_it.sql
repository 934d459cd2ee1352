select household_id from lines
where category in ('BABY FOODS', 'DIAPERS & DISPOSABLES', 'INFANT FORMULA', 'INFANT CARE PRODUCTS')
group by household_id
having count(*) >= 5 and max(day) < date '2017-10-02';
