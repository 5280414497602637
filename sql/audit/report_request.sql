-- The report that a run has asked for. $1 workflow_id, $2 run_id
select task_id
from staging.report_request
where workflow_id = $1
    and run_id = $2;
