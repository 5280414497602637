-- The dates outside of a range that no delivery can be about (mart.has_likely_facts) or that are in the future, with how many
-- orders and refunds have them: typing errors in files. The most frequent ones.
-- $1 first date, $2 last date, both included, $3 how many dates
with unlikely as materialized (
    select date_id, date_actual
    from mart.d_calendar
    where not date_actual between $1::date and $2::date
        and (date_actual > current_date + 1 or not mart.has_likely_facts(date_id))
)

select
    unlikely.date_actual as date,
    count(*)::float8 as rows,
    (count(*) over ())::float8 as dates
from unlikely
inner join mart.f_sales as sale using (date_id)
group by unlikely.date_actual
order by rows desc, date
limit $3;
