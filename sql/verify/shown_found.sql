select load_date, file, mart_delivery_number
from staging.file_load
where file in ('user_order_log', 'user_order_log_inc')
