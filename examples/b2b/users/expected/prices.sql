with firsts as (select customer_id, min(placed_at) as first_at from orders group by customer_id)
select user_id, case when is_key_account or this_year >= 100000 then 'gold' when this_year >= 10000 then 'silver'
                     when first_at >= '2026-10-25' then 'welcome' else 'standard' end
from users join customers using (customer_id) join yearly using (customer_id) left join firsts using (customer_id);
