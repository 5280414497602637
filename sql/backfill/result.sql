-- What became of the days of a backfill so far. $1 workflow_id
select load_date as date, outcome, error
from staging.backfill_day
where workflow_id = $1
order by load_date;
