-- Records that the API has no increment for a date, unless something newer is recorded. A date that is loaded stays
-- loaded, with a warning beside those that it has. Returns the outcome.
-- $1 load_date, $2 the files that a date needs, $3 the file of orders, $4 number, $5 workflow_id, $6 run_id, $7 started_at
with found as (
    select case when missing_files = '{}' and not is_stale then 'loaded' else 'no_increment' end as outcome
    from staging.day_state($1, $1, $2, $3)
),

recorded as (
    insert into staging.day_load as day (
        load_date, outcome, not_found, not_found_number, number, workflow_id, run_id, started_at, finished_at
    )
    select
        $1,
        found.outcome,
        case
            when found.outcome = 'loaded'
                then 'on ' || to_char(now() at time zone 'UTC', 'YYYY-MM-DD HH24:MI')
                    || ' UTC the report API had no increment for this date any more; what was loaded before stays'
        end,
        $4,
        $4,
        $5,
        $6,
        $7,
        clock_timestamp()
    from found
    on conflict (load_date, is_history) do update set
        outcome = excluded.outcome,
        error = null,
        error_type = null,
        not_found = excluded.not_found,
        not_found_number = excluded.not_found_number,
        failed_deliveries = array(
            select earlier
            from unnest(
                day.failed_deliveries
                || case when day.outcome = 'failed' and day.error_type <> 'Cancelled' then day.error end
            ) as earlier
            where excluded.outcome = 'loaded'
                and earlier is not null
        ),
        (number, workflow_id, run_id, started_at, finished_at)
            = (excluded.number, excluded.workflow_id, excluded.run_id, excluded.started_at, excluded.finished_at)
    where day.number <= excluded.number
    returning day.not_found
)

select
    found.outcome,
    array(select not_found from recorded where not_found is not null) as warnings
from found;
