-- Finds what one delivery changes of the facts, into `fact_change`: per (uniq_id, status) the mart holds the newest
-- delivery of staging, an increment before history and then the later load_date.
--
-- The cost is that of the delivery, not of history: a fact knows the delivery it came from, so a row of this
-- delivery is compared with the one fact of its key. All of staging is asked only for facts that this delivery
-- gave before and that its newest version no longer holds.
-- $1 load_date, $2 is_history
with delivered as (
    select uniq_id, status, date_time, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
    from staging.user_order_log
    where load_date = $1
        and is_history = $2
),

-- `except`, not `not exists`: the planner takes a date that is newer than its statistics for one row, joins in
-- a nested loop, and a second load of a day of 40,000 rows has not ended after a minute (0.1 s like this).
withdrawn as materialized (
    select uniq_id, status
    from mart.f_sales
    where load_date = $1
        and is_history = $2
    except
    select uniq_id, status
    from delivered
),

delivery_week as materialized (
    select week
    from staging.user_order_log_delivery_week
    where exists (select from withdrawn)
),

next_newest as materialized (
    select distinct on (uniq_id, status)
        uniq_id, status, date_time, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
    from withdrawn
    cross join delivery_week
    cross join lateral (
        select date_time, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
        from staging.user_order_log as orders
        where staging.week_of(orders.load_date) = delivery_week.week
            and orders.uniq_id = withdrawn.uniq_id
            and orders.status = withdrawn.status
        -- By the index, order by order.
        offset 0
    ) as orders
    order by uniq_id, status, is_history, load_date desc
),

-- In the order of the mart's columns.
due as (
    select
        uniq_id,
        status,
        to_char(date_time, 'YYYYMMDD')::integer as date_id,
        item_id,
        customer_id,
        city_id,
        quantity,
        case status when 'refunded' then -abs(payment_amount) else payment_amount end as payment_amount,
        load_date,
        is_history
    from (
        select * from delivered
        union all
        select * from next_newest
    ) as orders
),

changed as materialized (
    select
        due.*,
        fact as former
    from due
    left join mart.f_sales as fact
        on fact.uniq_id = due.uniq_id
            and fact.status = due.status
    where fact.uniq_id is null
        or (
            (
                fact.date_id, fact.item_id, fact.customer_id, fact.city_id, fact.quantity, fact.payment_amount,
                fact.load_date, fact.is_history
            ) is distinct from (
                due.date_id, due.item_id, due.customer_id, due.city_id, due.quantity, due.payment_amount,
                due.load_date, due.is_history
            )
            and (
                -- This delivery's own fact, changed or withdrawn,
                (fact.load_date = $1 and fact.is_history = $2)
                -- or one of an older delivery.
                or (fact.is_history, due.load_date) > (due.is_history, fact.load_date)
            )
        )
),

vanished as (
    select uniq_id, status from withdrawn
    except
    select uniq_id, status from next_newest
)

insert into fact_change (
    facts, uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
)
select
    1, uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
from changed
union all
select
    -1, (former).uniq_id, (former).status, (former).date_id, (former).item_id, (former).customer_id, (former).city_id,
    (former).quantity, (former).payment_amount, (former).load_date, (former).is_history
from changed
where (former).uniq_id is not null
union all
select
    -1, fact.uniq_id, fact.status, fact.date_id, fact.item_id, fact.customer_id, fact.city_id, fact.quantity,
    fact.payment_amount, fact.load_date, fact.is_history
from mart.f_sales as fact
inner join vanished
    on vanished.uniq_id = fact.uniq_id
        and vanished.status = fact.status;
