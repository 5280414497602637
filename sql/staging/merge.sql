-- Replaces what is staged of one delivery by the rows that its newest file holds.
-- One text for all feeds: {feed} and the lists in braces are made from its entry in domain/feeds.ts.
-- $1 load_date, $2 is_history, $3 delivery_number
--
-- Writes only what differs, so loading the same file again leaves no dead rows behind. New rows are inserted plainly:
-- `on conflict` takes a quarter more.
--
-- Parameters in a subselect are planned as average values. By its value, a date or number newer than the planner's
-- statistics counts as one row, and a nested loop over what are a million may then follow.
with newest as materialized (
    select distinct on ({key}) {columns}
    from staging.incoming_{feed}
    where delivery_number = (select $3::bigint)
    order by {key}, {newest first}
),

withdrawn as (
    delete from staging.{feed} as staged
    where staged.load_date = (select $1::date)
        and staged.is_history = (select $2::boolean)
        and not exists (
            select from newest
            where {same key}
        )
),

changed as (
    update staging.{feed} as staged
    set ({values}) = row({newest values})
    from newest
    where staged.load_date = (select $1::date)
        and staged.is_history = (select $2::boolean)
        and {same key}
        and ({staged values}) is distinct from ({newest values})
),

added as (
    insert into staging.{feed} (load_date, is_history, {columns})
    select $1, $2, {newest columns}
    from newest
    left join staging.{feed} as staged
        on staged.load_date = (select $1::date)
            and staged.is_history = (select $2::boolean)
            and {same key}
    where staged.load_date is null
)

select count(*)::float8 as rows_kept
from newest;
