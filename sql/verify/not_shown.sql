-- The deliveries of orders that the mart is not known to show.
select load_date, delivery_number
from staging.file_load
where file in ('user_order_log', 'user_order_log_inc')
    and mart_delivery_number is distinct from delivery_number;
