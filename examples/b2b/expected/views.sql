-- The generator's tables as the queries beside this file see them: instants as local times of Amsterdam, and of the
-- orders only those whose company exists. It is 9 o'clock on 24 November 2026, a Tuesday.
-- `data/` is replaced by the folder of the tables.
create table customers as
select * replace (last_login_at at time zone 'Europe/Amsterdam' as last_login_at) from read_parquet('data/customers.parquet');

create table users as
select * replace (last_login_at at time zone 'Europe/Amsterdam' as last_login_at) from read_parquet('data/users.parquet');

create table orders as
select o.* replace (placed_at at time zone 'Europe/Amsterdam' as placed_at), a.country as ship_country
from read_parquet('data/orders.parquet') o
left join read_parquet('data/addresses.parquet') a on a.address_id = o.shipping_address_id
where o.customer_id in (select customer_id from customers);

create table done as
select * from orders where status in ('complete', 'processing') and not is_test;

create table lines as
select o.customer_id, o.placed_at, l.*, p.category
from read_parquet('data/order_lines.parquet') l
join orders o using (order_id)
left join read_parquet('data/products.parquet') p using (sku);

create table carts as
select c.* replace (added_at at time zone 'Europe/Amsterdam' as added_at, changed_at at time zone 'Europe/Amsterdam' as changed_at),
       p.category
from read_parquet('data/cart_items.parquet') c left join read_parquet('data/products.parquet') p using (sku);

create table wishes as
select w.*, p.category
from read_parquet('data/wish_items.parquet') w left join read_parquet('data/products.parquet') p using (sku);

create table views as
select u.customer_id, v.* replace (v."at" at time zone 'Europe/Amsterdam' as "at"), p.category, p.price
from read_parquet('data/views.parquet') v join users u using (user_id)
left join read_parquet('data/products.parquet') p using (sku);

create table visits as
select u.customer_id, v.* replace (v."at" at time zone 'Europe/Amsterdam' as "at")
from read_parquet('data/visits.parquet') v join users u using (user_id);

create table addresses as from read_parquet('data/addresses.parquet');
create table stores as from read_parquet('data/stores.parquet');
create table contracts as from read_parquet('data/contracts.parquet');
create table invoices as from read_parquet('data/invoices.parquet');

create table yearly as
select customer_id,
       coalesce((select sum(total) from done d where d.customer_id = c.customer_id and year(placed_at) = 2026), 0) as this_year,
       coalesce((select sum(total) from done d where d.customer_id = c.customer_id and year(placed_at) = 2025), 0) as last_year
from customers c;
