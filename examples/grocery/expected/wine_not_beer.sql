select household_id from lines where category like '%WINE%'
except
select household_id from lines where category like 'BEER%';
