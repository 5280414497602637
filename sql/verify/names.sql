-- Every city (item) of an order that the mart lacks; those that it has stay as they are. Which name was loaded first is not
-- known for sure any more: of those that are staged, the one whose download began first.
select distinct on ({of}_id)
    {of}_id,
    {of}_name
from staging.user_order_log as orders
left join staging.file_load as load
    on load.load_date = orders.load_date
        and load.file = case when orders.is_history then 'user_order_log' else 'user_order_log_inc' end
where orders.load_date between (select first_date from range) and (select last_date from range)
    and {of}_id not in (select {of}_id from mart.d_{of})
order by {of}_id, load.delivery_number, orders.id nulls last, {of}_name collate "C"
