-- Replaces what is staged of one delivery by the rows that its newest file holds.
-- $1 load_date, $2 is_history; `incoming` is the session's table of checked rows, ordinal = position in the file.
-- Writes only what differs, so loading the same file again leaves no dead rows behind.
with newest as materialized (
    select distinct on (uniq_id, status) *
    from incoming
    order by uniq_id, status, id desc nulls last, ordinal desc
),

-- Dates in a subselect are planned as average ones. By its value, a date newer than the planner's statistics
-- counts as one row, and a nested loop over what are a million may then follow.
withdrawn as (
    delete from staging.user_order_log as staged
    where staged.load_date = (select $1::date)
        and staged.is_history = (select $2::boolean)
        and not exists (
            select from newest
            where newest.uniq_id = staged.uniq_id
                and newest.status = staged.status
        )
),

written as (
    insert into staging.user_order_log as staged (
        load_date, is_history, id, uniq_id, date_time, city_id, city_name, customer_id, first_name, last_name,
        item_id, item_name, quantity, payment_amount, status
    )
    select
        $1, $2, id, uniq_id, date_time, city_id, city_name, customer_id, first_name, last_name,
        item_id, item_name, quantity, payment_amount, status
    from newest
    on conflict (load_date, is_history, uniq_id, status) do update set
        id = excluded.id,
        date_time = excluded.date_time,
        city_id = excluded.city_id,
        city_name = excluded.city_name,
        customer_id = excluded.customer_id,
        first_name = excluded.first_name,
        last_name = excluded.last_name,
        item_id = excluded.item_id,
        item_name = excluded.item_name,
        quantity = excluded.quantity,
        payment_amount = excluded.payment_amount
    where staged is distinct from excluded
)

select count(*) as rows_kept
from newest;
