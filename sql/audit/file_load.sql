-- The audit row of a staged file, from what its download has recorded. finished_at is taken here, as late as the
-- transaction allows. Returns what the run is told.
-- $1 delivery_number, $2 rows_kept, $3 workflow_id, $4 run_id, $5 attempt, $6 started_at
insert into staging.file_load (
    load_date, file, delivery_number, sha256, bytes, rows_read, rows_kept, rows_duplicate, rows_rejected, warnings,
    workflow_id, run_id, attempt, started_at, finished_at
)
select
    load_date, file, delivery_number, sha256, bytes, rows_read, $2, rows_read - rows_rejected - $2, rows_rejected,
    warnings, $3, $4, $5, $6, clock_timestamp()
from staging.landed_file
where delivery_number = $1
on conflict (load_date, file) do update set
    volume_warning = null,
    (
        delivery_number, sha256, bytes, rows_read, rows_kept, rows_duplicate, rows_rejected, warnings, workflow_id,
        run_id, attempt, started_at, finished_at
    ) = (
        excluded.delivery_number, excluded.sha256, excluded.bytes, excluded.rows_read, excluded.rows_kept,
        excluded.rows_duplicate, excluded.rows_rejected, excluded.warnings, excluded.workflow_id, excluded.run_id,
        excluded.attempt, excluded.started_at, excluded.finished_at
    )
returning
    json_build_object(
        'rows_read', rows_read,
        'rows_kept', rows_kept,
        'rows_duplicate', rows_duplicate,
        'rows_rejected', rows_rejected
    ) as counts,
    warnings,
    bytes::float8 as bytes;
