-- $1 workflow_id, $2 run_id, $3 task_id; requests are forgotten after 30 days.
with forgotten as (
    delete from staging.report_request
    where requested_at < now() - interval '30 days'
)

insert into staging.report_request (workflow_id, run_id, task_id, requested_at)
values ($1, $2, $3, now())
on conflict (workflow_id, run_id) do nothing;
