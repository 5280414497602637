-- What is known of every date of a range, from this database alone. $1 first date, $2 last date, both included,
-- $3 the files that a date needs, $4 the file of orders
select
    state.load_date as date,
    state.state,
    state.missing_files,
    day.error,
    day.error_type,
    day.workflow_id,
    day.run_id,
    day.finished_at,
    day.revenue,
    coalesce(day.accepted_missing, '{}') as accepted_missing,
    files.rows_read,
    files.rows_kept,
    files.rows_duplicate,
    files.rows_rejected,
    array_remove(array[case when files.is_before_not_found then day.not_found end], null)
    || array(
        select 'a newer delivery could not be loaded, and what was loaded before stays: ' || failed
        from unnest(day.failed_deliveries) as failed
    )
    || files.volume_warnings
    || array(
        select load.file || ': ' || warning
        from staging.file_load as load
        cross join unnest(load.warnings) as warning
        where load.load_date = state.load_date
            and load.file = any ($3)
        order by load.file
    ) as warnings,
    -- The claim of a run that came after the newest outcome; the claim of a run that was reset is older than that.
    case when claim.is_newer then claim.workflow_id end as newer_claim,
    case when not claim.is_newer then claim.workflow_id end as older_claim
from staging.day_state($1, $2, $3, $4) as state
left join staging.day_load as day
    on day.load_date = state.load_date
        and not day.is_history
left join lateral (
    select
        claimed.workflow_id,
        day.finished_at is null or claimed.claimed_at > day.finished_at as is_newer
    from staging.day_claim as claimed
    where claimed.claim = to_char(state.load_date, 'YYYY-MM-DD')
) as claim on true
cross join lateral (
    select
        coalesce(sum(rows_read), 0)::float8 as rows_read,
        coalesce(sum(rows_kept), 0)::float8 as rows_kept,
        coalesce(sum(rows_duplicate), 0)::float8 as rows_duplicate,
        coalesce(sum(rows_rejected), 0)::float8 as rows_rejected,
        bool_or(load.delivery_number < day.not_found_number) as is_before_not_found,
        array_agg(volume_warning order by file) filter (where volume_warning is not null) as volume_warnings
    from staging.file_load as load
    where load.load_date = state.load_date
        and load.file = any ($3)
) as files
order by state.load_date;
