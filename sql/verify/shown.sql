-- The mart shows the newest delivery of each date's orders.
select load_date, file, delivery_number
from staging.file_load
where file in ('user_order_log', 'user_order_log_inc')
