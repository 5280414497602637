-- Replaces what is staged of one delivery by the rows that its newest file holds.
-- $1 load_date, $2 is_history; `incoming` is the session's table of checked rows, ordinal = position in the file.
-- Writes only what differs, so loading the same file again leaves no dead rows behind. New rows are inserted plainly:
-- `on conflict` takes a quarter more.
--
-- Dates in a subselect are planned as average ones. By its value, a date newer than the planner's statistics
-- counts as one row, and a nested loop over what are a million may then follow.
with newest as materialized (
    select distinct on (uniq_id, status) *
    from incoming
    order by uniq_id, status, id desc nulls last, ordinal desc
),

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

changed as (
    update staging.user_order_log as staged
    set
        id = newest.id,
        date_time = newest.date_time,
        city_id = newest.city_id,
        city_name = newest.city_name,
        customer_id = newest.customer_id,
        first_name = newest.first_name,
        last_name = newest.last_name,
        item_id = newest.item_id,
        item_name = newest.item_name,
        quantity = newest.quantity,
        payment_amount = newest.payment_amount
    from newest
    where staged.load_date = (select $1::date)
        and staged.is_history = (select $2::boolean)
        and staged.uniq_id = newest.uniq_id
        and staged.status = newest.status
        and (
            staged.id, staged.date_time, staged.city_id, staged.city_name, staged.customer_id, staged.first_name,
            staged.last_name, staged.item_id, staged.item_name, staged.quantity, staged.payment_amount
        ) is distinct from (
            newest.id, newest.date_time, newest.city_id, newest.city_name, newest.customer_id, newest.first_name,
            newest.last_name, newest.item_id, newest.item_name, newest.quantity, newest.payment_amount
        )
),

added as (
    insert into staging.user_order_log (
        load_date, is_history, id, uniq_id, date_time, city_id, city_name, customer_id, first_name, last_name,
        item_id, item_name, quantity, payment_amount, status
    )
    select
        $1, $2, newest.id, newest.uniq_id, newest.date_time, newest.city_id, newest.city_name, newest.customer_id,
        newest.first_name, newest.last_name, newest.item_id, newest.item_name, newest.quantity,
        newest.payment_amount, newest.status
    from newest
    left join staging.user_order_log as staged
        on staged.load_date = (select $1::date)
            and staged.is_history = (select $2::boolean)
            and staged.uniq_id = newest.uniq_id
            and staged.status = newest.status
    where staged.uniq_id is null
)

select count(*) as rows_kept
from newest;
