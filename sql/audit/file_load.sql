-- The audit row of a staged file. finished_at is taken here, as late as the transaction allows.
insert into staging.file_load (
    load_date, file, delivery_number, sha256, bytes, rows_read, rows_kept, rows_duplicate, rows_rejected, warnings,
    workflow_id, run_id, attempt, started_at, finished_at
)
values ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, clock_timestamp())
on conflict (load_date, file) do update set
    delivery_number = excluded.delivery_number,
    sha256 = excluded.sha256,
    bytes = excluded.bytes,
    rows_read = excluded.rows_read,
    rows_kept = excluded.rows_kept,
    rows_duplicate = excluded.rows_duplicate,
    rows_rejected = excluded.rows_rejected,
    warnings = excluded.warnings,
    volume_warning = null,
    workflow_id = excluded.workflow_id,
    run_id = excluded.run_id,
    attempt = excluded.attempt,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at;
