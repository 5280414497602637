-- Replaces what is staged of one delivery by the rows that its newest file holds; the last of equal keys wins.
-- $1 load_date, $2 is_history; `incoming` is the session's table of checked rows, ordinal = position in the file.
with newest as materialized (
    select distinct on (name) *
    from incoming
    order by name, ordinal desc
),

withdrawn as (
    delete from staging.price_log as staged
    where staged.load_date = $1
        and staged.is_history = $2
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
