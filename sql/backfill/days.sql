-- The next days of a backfill. $1 first date, $2 last date, both included, $3 true: only those that are not done,
-- $4 how many at most, $5 the files that a date needs, $6 the file of orders
select
    load_date,
    count(*) over ()::integer as days_left
from staging.day_state($1, $2, $5, $6)
where not $3::boolean
    or state not in ('loaded', 'no_increment')
order by load_date
limit $4;
