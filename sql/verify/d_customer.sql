-- The last order of each customer over all of staging: the greatest (date_time, load_date, id).
select distinct on (customer_id)
    customer_id,
    first_name,
    last_name,
    city_id,
    date_time as last_order_at,
    id as last_order_id,
    load_date,
    is_history
from staging.user_order_log
order by
    customer_id, date_time desc, load_date desc, id desc nulls last,
    -- Equal up to here are only rows without an id or with an id that repeats.
    is_history, uniq_id desc, status desc
