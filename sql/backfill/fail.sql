-- None of the remaining days of a backfill can be loaded. Returns how many they are.
-- $1 workflow_id, $2 first date, $3 last date, both included, $4 true: only those that are not done,
-- $5 the files that a date needs, $6 the file of orders, $7 error
with failed as (
    insert into staging.backfill_day (workflow_id, load_date, outcome, error)
    select
        $1,
        load_date,
        'failed',
        $7
    from staging.day_state($2, $3, $5, $6)
    where not $4::boolean
        or state not in ('loaded', 'no_increment')
    on conflict (workflow_id, load_date) do nothing
    returning load_date
)

select count(*)::integer as failed
from failed;
