-- How many days before a date are due and not in, from the first one known, and at most a year back. Where none is known,
-- none is missing. $1 load_date, $2 the files that a date needs, $3 the file of orders
with known as (
    select min(load_date) as first_date
    from (
        select load_date from staging.day_load where not is_history
        union all
        select load_date from staging.file_load where file = any ($2)
    ) as one
)

select
    count(*)::integer as days,
    min(state.load_date) as first_date,
    max(state.load_date) as last_date
from known
cross join staging.day_state(greatest(known.first_date, $1::date - 366), $1::date - 1, $2, $3) as state
-- greatest() leaves a null out.
where known.first_date is not null
    and state.state not in ('loaded', 'no_increment');
