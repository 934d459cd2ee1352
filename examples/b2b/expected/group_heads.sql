select c.customer_id from customers c left join customers p on p.customer_id = c.parent_id
where (c.parent_id is null or p.country <> c.country)
  and (select count(*) from customers d where d.parent_id = c.customer_id and d.kind = 'customer') >= 3;
