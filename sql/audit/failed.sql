-- Records that a date failed, unless something newer is recorded. What the mart shows for the date stays as it is, and so
-- do warnings about it.
-- $1 load_date, $2 is_history, $3 error, $4 error_type, $5 number, $6 workflow_id, $7 run_id, $8 started_at
insert into staging.day_load as day (
    load_date, is_history, outcome, error, error_type, number, workflow_id, run_id, started_at, finished_at
)
values ($1, $2, 'failed', $3, $4, $5, $6, $7, $8, clock_timestamp())
on conflict (load_date, is_history) do update set
    outcome = excluded.outcome,
    error = excluded.error,
    error_type = excluded.error_type,
    failed_deliveries = array(
        select earlier
        from unnest(
            day.failed_deliveries || case when day.error_type = 'FileRefused' then day.error end
        ) as earlier
        where split_part(earlier, ' of ', 1) <> split_part(excluded.error, ' of ', 1)
    ),
    (number, workflow_id, run_id, started_at, finished_at)
        = (excluded.number, excluded.workflow_id, excluded.run_id, excluded.started_at, excluded.finished_at)
where day.number <= excluded.number;
