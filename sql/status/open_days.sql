-- The dates of a range that are not done: never tried, failed, or staged without the mart.
-- $1 first date, $2 last date, both included
select calendar.day::date as load_date
from generate_series($1::date::timestamp, $2::date::timestamp, interval '1 day') as calendar (day)
left join staging.day_load as day
    on day.load_date = calendar.day::date
        and not day.is_history
left join staging.file_load as orders
    on orders.load_date = calendar.day::date
        and orders.file = 'user_order_log_inc'
where day.outcome is null
    or day.outcome = 'failed'
    or orders.delivery is distinct from day.order_delivery
order by calendar.day;
