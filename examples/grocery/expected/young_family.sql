select household_id from lines
where category in ('BABY FOODS', 'DIAPERS & DISPOSABLES', 'INFANT FORMULA', 'INFANT CARE PRODUCTS')
  and day >= date '2017-06-30'
group by household_id
having sum(sales_value) >= 100;
