select household_id from lines
where type like '%ORGANIC%' or category like 'ORGANIC%'
group by household_id
having sum(sales_value) >= 25;
