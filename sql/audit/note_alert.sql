-- Notes that a run tells about itself; returns nothing when it has done so before.
-- $1 workflow_id, $2 run_id, $3 kind of message
insert into staging.alert (workflow_id, run_id, kind)
values ($1, $2, $3)
on conflict (workflow_id, run_id, kind) do nothing
returning kind;
