-- For each (uniq_id, status) the delivery with the newest load_date; every increment is newer than history.
select distinct on (uniq_id, status)
    uniq_id,
    status,
    to_char(date_time, 'YYYYMMDD')::integer as date_id,
    item_id,
    customer_id,
    city_id,
    quantity,
    case when status = 'refunded' then -abs(payment_amount) else payment_amount end as payment_amount,
    load_date,
    is_history
from staging.user_order_log
order by uniq_id, status, is_history, load_date desc
