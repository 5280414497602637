-- The range of a report when nothing else is said: the newest 12 weeks that have sales, and the newest day that
-- anything is known of. A date of sales that lies in the future (a typing error in a file) does not count.
-- Null when the mart is empty.
with weeks as (
    select calendar.week_start, max(calendar.date_actual) as last_date
    from mart.d_calendar as calendar
    where calendar.date_actual <= current_date + 1
    group by calendar.week_start
    order by calendar.week_start desc
    limit 12
),

loads as (
    select
        min(load_date) as first_date,
        max(load_date) as last_date,
        max(load_date) filter (where outcome = 'loaded') as newest_loaded
    from staging.day_load
    where not is_history
)

select
    coalesce((select min(week_start) from weeks), loads.first_date) as first_date,
    greatest((select max(last_date) from weeks), loads.last_date) as last_date,
    loads.first_date as first_load,
    loads.last_date as last_load,
    loads.newest_loaded
from loads;
