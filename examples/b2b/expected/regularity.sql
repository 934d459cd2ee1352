select customer_id, if(count(distinct strftime(placed_at, '%Y-%m')) filter (placed_at >= '2025-11-01' and placed_at < '2026-11-01') >= 9,
                       'regular', 'sporadic')
from orders group by customer_id;
