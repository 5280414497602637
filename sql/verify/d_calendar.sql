-- Every date that facts refer to.
select
    date_id,
    date_actual,
    extract(isodow from date_actual)::integer as day_of_week,
    extract(day from date_actual)::integer as day_of_month,
    extract(week from date_actual)::integer as week_of_year,
    extract(isoyear from date_actual)::integer as iso_year,
    date_trunc('week', date_actual::timestamp)::date as week_start,
    extract(month from date_actual)::integer as month_actual,
    extract(quarter from date_actual)::integer as quarter_actual,
    extract(year from date_actual)::integer as year_actual,
    to_char(date_actual, 'IYYYIW')::integer as period_id
from (
    select distinct
        date_id,
        make_date(date_id / 10000, date_id / 100 % 100, date_id % 100) as date_actual
    from fact
    where load_date between (select first_date from range) and (select last_date from range)
) as dates
