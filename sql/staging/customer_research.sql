-- Replaces what is staged of one delivery by the rows that its newest file holds; the last of equal keys wins.
-- $1 load_date, $2 is_history; `incoming` is the session's table of checked rows, ordinal = position in the file.
with newest as materialized (
    select distinct on (date_id, category_id, geo_id) *
    from incoming
    order by date_id, category_id, geo_id, ordinal desc
),

-- Dates in a subselect are planned as average ones. By its value, a date newer than the planner's statistics
-- counts as one row, and a nested loop over what are a million may then follow.
withdrawn as (
    delete from staging.customer_research as staged
    where staged.load_date = (select $1::date)
        and staged.is_history = (select $2::boolean)
        and not exists (
            select from newest
            where newest.date_id = staged.date_id
                and newest.category_id = staged.category_id
                and newest.geo_id = staged.geo_id
        )
),

written as (
    insert into staging.customer_research as staged (
        load_date, is_history, date_id, category_id, geo_id, sales_qty, sales_amt
    )
    select $1, $2, date_id, category_id, geo_id, sales_qty, sales_amt
    from newest
    on conflict (load_date, is_history, date_id, category_id, geo_id) do update set
        sales_qty = excluded.sales_qty,
        sales_amt = excluded.sales_amt
    where staged is distinct from excluded
)

select count(*) as rows_kept
from newest;
