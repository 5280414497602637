-- Replaces what is staged of one delivery by the rows that its newest file holds.
-- $1 load_date, $2 is_history; `incoming` is the session's table of checked rows, ordinal = position in the file.
with newest as materialized (
    select distinct on (uniq_id) *
    from incoming
    order by uniq_id, id desc nulls last, ordinal desc
),

-- Dates in a subselect are planned as average ones. By its value, a date newer than the planner's statistics
-- counts as one row, and a nested loop over what are a million may then follow.
withdrawn as (
    delete from staging.user_activity_log as staged
    where staged.load_date = (select $1::date)
        and staged.is_history = (select $2::boolean)
        and not exists (
            select from newest
            where newest.uniq_id = staged.uniq_id
        )
),

written as (
    insert into staging.user_activity_log as staged (
        load_date, is_history, id, uniq_id, date_time, action_id, customer_id, quantity
    )
    select $1, $2, id, uniq_id, date_time, action_id, customer_id, quantity
    from newest
    on conflict (load_date, is_history, uniq_id) do update set
        id = excluded.id,
        date_time = excluded.date_time,
        action_id = excluded.action_id,
        customer_id = excluded.customer_id,
        quantity = excluded.quantity
    where staged is distinct from excluded
)

select count(*) as rows_kept
from newest;
