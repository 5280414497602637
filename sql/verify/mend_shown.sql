-- The mart shows these deliveries. $1 load_dates, $2 their delivery numbers
update staging.file_load as load
set mart_delivery_number = load.delivery_number
from unnest($1::date[], $2::bigint[]) as shown (load_date, delivery_number)
where load.load_date = shown.load_date
    and load.delivery_number = shown.delivery_number
    and file in ('user_order_log', 'user_order_log_inc');
