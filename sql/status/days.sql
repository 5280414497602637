-- What is known of every date of a range, from this database alone. $1 first date, $2 last date, both included
select
    calendar.day::date as load_date,
    day.outcome,
    day.error,
    day.error_type,
    day.workflow_id,
    day.run_id,
    day.finished_at,
    day.revenue,
    day.accepted_missing,
    coalesce(files.rows_read, 0) as rows_read,
    coalesce(files.rows_kept, 0) as rows_kept,
    coalesce(files.rows_duplicate, 0) as rows_duplicate,
    coalesce(files.rows_rejected, 0) as rows_rejected,
    array(
        select load.file || ': ' || warning
        from staging.file_load as load
        cross join unnest(load.warnings) as warning
        where load.load_date = calendar.day::date
            and load.file like '%\_inc'
        order by load.file
    ) as warnings,
    files.order_delivery is distinct from day.order_delivery as is_stale,
    claim.workflow_id as claimed_by,
    claim.run_id as claimed_by_run
from generate_series($1::date::timestamp, $2::date::timestamp, interval '1 day') as calendar (day)
left join staging.day_load as day
    on day.load_date = calendar.day::date
        and not day.is_history
left join staging.day_claim as claim
    on claim.claim = to_char(calendar.day, 'YYYY-MM-DD')
        and (day.finished_at is null or claim.claimed_at > day.finished_at)
left join lateral (
    select
        sum(rows_read) as rows_read,
        sum(rows_kept) as rows_kept,
        sum(rows_duplicate) as rows_duplicate,
        sum(rows_rejected) as rows_rejected,
        max(delivery) filter (where file = 'user_order_log_inc') as order_delivery
    from staging.file_load as load
    where load.load_date = calendar.day::date
        and load.file like '%\_inc'
) as files on true
order by calendar.day;
