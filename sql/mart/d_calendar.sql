-- The calendar holds the dates of facts and no other, whatever was loaded before.
with lost as materialized (
    select distinct date_id
    from fact_lost
)

delete from mart.d_calendar
where date_id in (
    select date_id
    from lost
    where not mart.has_facts(date_id)
);

insert into mart.d_calendar (
    date_id, date_actual, day_of_week, day_of_month, week_of_year, iso_year, week_start, month_actual,
    quarter_actual, year_actual
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
    extract(year from date_actual)
from (
    select distinct
        date_id,
        make_date(date_id / 10000, date_id / 100 % 100, date_id % 100) as date_actual
    from fact_gained
) as dates
on conflict (date_id) do nothing;
