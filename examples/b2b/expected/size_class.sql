select customer_id, case when employees >= 250 or annual_revenue > 50000000 then 'large'
                         when employees >= 50 or annual_revenue > 10000000 then 'medium' else 'small' end
from customers where employees is not null or annual_revenue is not null;
