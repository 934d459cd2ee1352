select household_id from purchases p
where not exists (select 1 from products d where d.product_id = p.product_id)
group by household_id;
