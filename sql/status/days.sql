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
    coalesce(files.rows_read, 0) as rows_read,
    coalesce(files.rows_kept, 0) as rows_kept,
    coalesce(files.rows_duplicate, 0) as rows_duplicate,
    coalesce(files.rows_rejected, 0) as rows_rejected,
    array(
        select found.warning
        from (
            select 1 as place, null as file, day.not_found as warning
            where exists (
                    select from staging.file_load as load
                    where load.load_date = state.load_date
                        and load.file = any ($3)
                        and load.delivery_number < day.not_found_number
                )
            union all
            select 2, null, 'a newer delivery could not be loaded, and what was loaded before stays: ' || failed
            from unnest(day.failed_deliveries) as failed
            union all
            select 3, load.file, load.volume_warning
            from staging.file_load as load
            where load.load_date = state.load_date
                and load.file = any ($3)
            union all
            select 4, load.file, load.file || ': ' || warning
            from staging.file_load as load
            cross join unnest(load.warnings) as warning
            where load.load_date = state.load_date
                and load.file = any ($3)
        ) as found
        where found.warning is not null
        order by found.place, found.file
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
left join (
    select
        load_date,
        sum(rows_read)::float8 as rows_read,
        sum(rows_kept)::float8 as rows_kept,
        sum(rows_duplicate)::float8 as rows_duplicate,
        sum(rows_rejected)::float8 as rows_rejected
    from staging.file_load
    where load_date between $1 and $2
        and file = any ($3)
    group by load_date
) as files
    on files.load_date = state.load_date
order by state.load_date;
