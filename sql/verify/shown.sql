-- Dates of which the mart does not show the newest delivery of the orders.
select
    'different' as difference,
    load_date,
    file
from staging.file_load
where file in ('user_order_log', 'user_order_log_inc')
    and mart_delivery_number is distinct from delivery_number
