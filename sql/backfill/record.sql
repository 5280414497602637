-- What became of some days of a backfill. $1 workflow_id, $2 JSON: [{"date", "outcome", "error"}]
insert into staging.backfill_day (workflow_id, load_date, outcome, error)
select
    $1,
    day.date,
    day.outcome,
    day.error
from json_to_recordset($2) as day (date date, outcome text, error text)
on conflict (workflow_id, load_date) do update set
    outcome = excluded.outcome,
    error = excluded.error,
    recorded_at = excluded.recorded_at;
