-- How many days before a date are due and not in, of those known at most a year back. $1 load_date,
-- $2 the files that a date needs, $3 the file of orders
select
    count(*)::integer as days,
    min(load_date) as first_date,
    max(load_date) as last_date
from staging.day_state(
    greatest((select min(load_date) from staging.day_load where not is_history), $1::date - 366), $1::date - 1, $2, $3
)
where state not in ('loaded', 'no_increment');
