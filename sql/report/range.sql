-- The range of a report: what was asked for, and by default the newest 12 weeks that have sales, of one year, and the newest
-- day that anything is known of; and of which days in it the state is shown, from the first known one to the newest that is
-- due or loaded. Dates that no delivery can be about (mart.has_likely_facts) and dates in the future do not count, as long as
-- there are others. No row when the mart is empty.
-- $1 first date or null, $2 last date or null, $3 the newest date that is due, $4 the most days
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
),

-- Of greatest() and least() nulls are left out.
known as (
    select
        coalesce(sales.first_date, loads.first_date) as first_date,
        coalesce($2::date, greatest(sales.last_date, loads.last_date, $1::date)) as last_date
    from sales
    cross join loads
),

chosen as (
    select
        coalesce($1::date, greatest(least(first_date, last_date), last_date - $4::integer + 1)) as first_date,
        last_date
    from known
    where last_date is not null
)

select
    chosen.first_date,
    chosen.last_date,
    case when loads.first_date is not null then greatest(chosen.first_date, loads.first_date) end as first_day,
    least(chosen.last_date, greatest(loads.last_date, $3::date)) as last_day,
    loads.newest_loaded
from chosen
cross join loads;
