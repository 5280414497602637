-- A backfill begins: what an earlier one of the same range has recorded goes, and what nobody has asked for in 30 days.
-- $1 workflow_id
delete from staging.backfill_day
where workflow_id = $1
    or recorded_at < now() - interval '30 days';
