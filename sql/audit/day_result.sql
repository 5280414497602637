-- The outcome that a workflow has recorded for a date, with the files that are staged for it.
-- $1 load_date, $2 is_history, $3 workflow_id, $4 the files of that kind of delivery
select
    day.outcome,
    load.file,
    load.rows_read,
    load.rows_kept,
    load.rows_duplicate,
    load.rows_rejected,
    load.warnings
from staging.day_load as day
left join staging.file_load as load
    on load.load_date = day.load_date
        and load.file = any ($4)
        and load.workflow_id = day.workflow_id
        and day.outcome = 'loaded'
where day.load_date = $1
    and day.is_history = $2
    and day.workflow_id = $3
order by load.file;
