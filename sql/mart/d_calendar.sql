-- The calendar holds the dates of facts and no other, whatever was loaded before.
-- $1 date_ids that facts came to, $2 date_ids that facts have left
with left_empty as (
    delete from mart.d_calendar
    where date_id = any ($2::integer[])
        and not mart.has_facts(date_id)
)

insert into mart.d_calendar (
    date_id, date_actual, day_of_week, day_of_month, week_of_year, iso_year, week_start, month_actual,
    quarter_actual, year_actual, period_id
)
select
    date_id,
    date_actual,
    extract(isodow from date_actual),
    extract(day from date_actual),
    extract(week from date_actual),
    extract(isoyear from date_actual),
    date_trunc('week', date_actual::timestamp)::date,
    extract(month from date_actual),
    extract(quarter from date_actual),
    extract(year from date_actual),
    extract(isoyear from date_actual) * 100 + extract(week from date_actual)
from (
    select
        date_id,
        make_date(date_id / 10000, date_id / 100 % 100, date_id % 100) as date_actual
    from unnest($1::integer[]) as date_id
) as dates
on conflict (date_id) do nothing;
