-- The range of a report when nothing else is said: the newest 12 weeks that have sales, of one year, and the newest day that
-- anything is known of. Dates that no delivery can be about (mart.has_likely_facts) and dates in the future do not count, as
-- long as there are others. Null when the mart is empty.
with dates as materialized (
    select date_actual, week_start, mart.has_likely_facts(date_id) as is_likely
    from mart.d_calendar
    where date_actual <= current_date + 1
),

weeks as (
    select week_start, max(date_actual) as last_date
    from dates
    where is_likely or not exists (select from dates where is_likely)
    group by week_start
    order by week_start desc
    limit 12
),

sales as (
    select min(week_start) as first_date, max(last_date) as last_date
    from weeks
    where week_start > (select max(week_start) from weeks) - 366
),

loads as (
    select
        min(load_date) as first_date,
        max(load_date) filter (where load_date <= current_date + 1) as last_date,
        max(load_date) filter (where outcome = 'loaded') as newest_loaded
    from staging.day_load
    where not is_history
)

select
    coalesce(sales.first_date, loads.first_date) as first_date,
    greatest(sales.last_date, loads.last_date) as last_date,
    loads.first_date as first_load,
    loads.last_date as last_load,
    loads.newest_loaded
from sales
cross join loads;
