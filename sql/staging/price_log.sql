-- Replaces what is staged of one delivery by the rows that its newest file holds; the last of equal keys wins.
-- $1 load_date, $2 is_history; `incoming` is the session's table of checked rows, ordinal = position in the file.
with newest as materialized (
    select distinct on (name) *
    from incoming
    order by name, ordinal desc
),

-- Dates in a subselect are planned as average ones. By its value, a date newer than the planner's statistics
-- counts as one row, and a nested loop over what are a million may then follow.
withdrawn as (
    delete from staging.price_log as staged
    where staged.load_date = (select $1::date)
        and staged.is_history = (select $2::boolean)
        and not exists (
            select from newest
            where newest.name = staged.name
        )
),

written as (
    insert into staging.price_log as staged (load_date, is_history, name, price)
    select $1, $2, name, price
    from newest
    on conflict (load_date, is_history, name) do update set price = excluded.price
    where staged is distinct from excluded
)

select count(*) as rows_kept
from newest;
