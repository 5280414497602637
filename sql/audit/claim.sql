-- Takes the claim on a date when it is free or held by $4, and returns who holds it then.
-- $1 claim, $2 workflow_id, $3 run_id, $4 the workflow that the claim may be taken from, $5 files, null: all
with taken as (
    insert into staging.day_claim as claim (claim, workflow_id, run_id, files, claimed_at)
    values ($1, $2, $3, $5, clock_timestamp())
    on conflict (claim) do update set
        workflow_id = excluded.workflow_id,
        run_id = excluded.run_id,
        files = excluded.files,
        claimed_at = excluded.claimed_at
    where claim.workflow_id = $4
    returning workflow_id, run_id, files
)

select workflow_id, run_id, files
from taken
union all
select workflow_id, run_id, files
from staging.day_claim
where claim = $1
    and not exists (select from taken);
