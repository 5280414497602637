-- The mart shows the newest delivery of each date's orders.
update staging.file_load
set mart_delivery_number = delivery_number
where file in ('user_order_log', 'user_order_log_inc')
    and mart_delivery_number is distinct from delivery_number;
