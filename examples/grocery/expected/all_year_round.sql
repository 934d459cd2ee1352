select household_id
from (select household_id, quarter(day) as quarter from baskets group by all having count(*) >= 5)
group by household_id
having count(*) = 4;
