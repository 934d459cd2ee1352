with overdue as (
  select customer_id from invoices where due_on < '2026-10-25' group by customer_id
  having sum(open_amount) > 0 and count(*) filter (open_amount > 0 and reminder_level < 2) = 0
), toner as (
  select customer_id from lines where category = 'printers'
  except
  select customer_id from lines where category = 'toner'
), shown as (
  select customer_id, [case when customer_id in (from overdue) then 'pay your invoices' end,
                       case when country = 'US' and kind = 'customer' then 'thanksgiving' end,
                       case when customer_id in (from toner) then 'toner' end,
                       case when is_key_account or this_year >= 100000 then 'thank you' end] as all_of_them
  from customers join yearly using (customer_id)
)
select customer_id, [banner for banner in all_of_them if banner is not null] from shown;
