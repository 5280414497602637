-- The outcome of a date that did not load; what the mart shows for the date stays as it is.
-- finished_at is taken here, as late as the transaction allows.
insert into staging.day_load (
    load_date, is_history, outcome, error, error_type, workflow_id, run_id, started_at, finished_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, clock_timestamp())
on conflict (load_date, is_history) do update set
    outcome = excluded.outcome,
    error = excluded.error,
    error_type = excluded.error_type,
    workflow_id = excluded.workflow_id,
    run_id = excluded.run_id,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at;
