with pairs as (
  select c.customer_id, radians(a.lat) as y1, radians(a.lon) as x1, radians(s.lat) as y2, radians(s.lon) as x2
  from customers c join addresses a using (customer_id) join stores s using (store_id)
  where a.is_default_shipping and a.lat is not null -- least(1, null) would be 1
)
select distinct customer_id from pairs
where 6371.0088 * acos(least(1, sin(y1) * sin(y2) + cos(y1) * cos(y2) * cos(x1 - x2))) <= 50;
