-- How fresh the mart is. Days count from the first one known, and at most 30 back from the newest that is due; where none
-- is known, none is missing.
-- $1 the newest date that is due, $2 the files that a date needs, $3 the file of orders, $4 time zone of the schedule
with known as (
    select min(load_date) as first_date
    from (
        select load_date from staging.day_load where not is_history
        union all
        select load_date from staging.file_load where file = any ($2)
    ) as one
),

due as (
    select state.*
    from known
    cross join staging.day_state(greatest(known.first_date, $1::date - 29), $1, $2, $3) as state
    -- greatest() leaves a null out.
    where known.first_date is not null
),

loaded as (
    select max(load_date) as newest
    from staging.day_load
    where outcome = 'loaded'
        and not is_history
)

select
    loaded.newest as newest_loaded_date,
    extract(epoch from now() - (loaded.newest + 1)::timestamp at time zone $4)::float8 as newest_loaded_age_seconds,
    (select count(*) from due where state = 'missing')::float8 as days_missing,
    (select count(*) from due where state in ('failed', 'stale'))::float8 as days_failed
from loaded;
