-- The package's own files as the rules' tables, without segkernel and without prepare.py.
-- `raw` is replaced by the folder of the package's parquet files.
create table purchases as
select household_id, basket_id, product_id, store_id, quantity,
       sales_value::decimal(12, 2) as sales_value,
       retail_disc::decimal(12, 2) as retail_disc,
       coupon_disc::decimal(12, 2) as coupon_disc,
       coupon_match_disc::decimal(12, 2) as coupon_match_disc,
       transaction_timestamp at time zone 'UTC' at time zone 'America/New_York' as bought_at
from read_parquet('raw/transactions.parquet');

create table baskets as
select household_id, basket_id, store_id, bought_at, bought_at::date as day, sum(sales_value)::decimal(14, 2) as total
from purchases
group by all;

create table products as
select product_id, department, brand, product_category as category, product_type as type
from read_parquet('raw/products.parquet');

create table lines as
select p.*, p.bought_at::date as day, department, brand, category, type
from purchases p left join products d using (product_id);

create table households as
select h.household_id, d.* exclude (household_id)
from (select distinct household_id from purchases) h
left join read_parquet('raw/demographics.parquet') d using (household_id);

create table spend as
select household_id, sum(sales_value) as spend,
       sum(retail_disc) + sum(coupon_disc) + sum(coupon_match_disc) as saved,
       count(*) as lines
from purchases
group by household_id;

create table campaigns as
select campaign_id, campaign_type as kind, start_date::date as starts_on, end_date::date as ends_on
from read_parquet('raw/campaign_descriptions.parquet');

create table mailings as
select household_id, campaign_id from read_parquet('raw/campaigns.parquet');

create table redemptions as
select household_id, campaign_id, redemption_date::date as redeemed_on
from read_parquet('raw/coupon_redemptions.parquet');
