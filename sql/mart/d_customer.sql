-- Gives every customer whom one delivery may concern the name and city of the last order in all of staging: the
-- greatest (date_time, load_date, id).
--
-- A customer knows his last order so far, so the last one of this delivery is compared with that alone. All of staging
-- is asked only for those whose last order came from this delivery and is no longer there as it was. Who has no order
-- left stays as he is, until any order comes.
--
-- Dates in a subselect are planned as average ones: a date newer than the planner's statistics would count as one row,
-- and be joined in a nested loop.
-- $1 load_date, $2 is_history
with delivered as (
    select distinct on (customer_id)
        customer_id, first_name, last_name, city_id, date_time, id, load_date, is_history
    from staging.user_order_log
    where load_date = (select $1::date)
        and is_history = (select $2::boolean)
    order by
        customer_id, date_time desc, id desc nulls last,
        -- Equal up to here are only rows without an id or with an id that repeats; the rest makes the choice the
        -- same every time.
        uniq_id desc, status desc
),

given as (
    select customer_id, first_name, last_name, city_id, last_order_at, last_order_id, load_date, is_history
    from mart.d_customer
    where load_date = (select $1::date)
        and is_history = (select $2::boolean)
),

-- Customers who may have lost their last order: this delivery gave it, and now holds an earlier one or none.
receding as materialized (
    select given.customer_id
    from given
    left join delivered on delivered.customer_id = given.customer_id
    where delivered.customer_id is null
        or (delivered.date_time, coalesce(delivered.id::numeric, '-infinity'))
        < (given.last_order_at, coalesce(given.last_order_id::numeric, '-infinity'))
),

order_week as materialized (
    select week
    from staging.user_order_log_order_week
    where exists (select from receding)
),

remaining as materialized (
    select distinct on (customer_id)
        customer_id, first_name, last_name, city_id, date_time, id, load_date, is_history
    from receding
    cross join order_week
    cross join lateral (
        select first_name, last_name, city_id, date_time, id, load_date, is_history, uniq_id, status
        from staging.user_order_log as orders
        where staging.week_of(orders.date_time::date) = order_week.week
            and orders.customer_id = receding.customer_id
        -- By the index, customer by customer.
        offset 0
    ) as orders
    order by
        customer_id, date_time desc, load_date desc, id desc nulls last, is_history, uniq_id desc, status desc
),

last_order as (
    select *
    from delivered
    where customer_id not in (select customer_id from receding)
    union all
    select *
    from remaining
    union all
    select customer_id, first_name, last_name, city_id, '-infinity', null, load_date, is_history
    from given
    where customer_id in (select customer_id from receding except select customer_id from remaining)
)

insert into mart.d_customer as customer (
    customer_id, first_name, last_name, city_id, last_order_at, last_order_id, load_date, is_history
)
select last_order.*
from last_order
left join mart.d_customer as former on former.customer_id = last_order.customer_id
where former.customer_id is null
    or (
        (
            former.first_name, former.last_name, former.city_id, former.last_order_at, former.last_order_id,
            former.load_date, former.is_history
        ) is distinct from (
            last_order.first_name, last_order.last_name, last_order.city_id, last_order.date_time, last_order.id,
            last_order.load_date, last_order.is_history
        )
        and (
            (former.load_date = $1 and former.is_history = $2)
            -- History is the older of two.
            or (
                last_order.date_time,
                last_order.load_date,
                coalesce(last_order.id::numeric, '-infinity'),
                former.is_history
            ) > (
                former.last_order_at,
                former.load_date,
                coalesce(former.last_order_id::numeric, '-infinity'),
                last_order.is_history
            )
        )
    )
on conflict (customer_id) do update set
    first_name = excluded.first_name,
    last_name = excluded.last_name,
    city_id = excluded.city_id,
    last_order_at = excluded.last_order_at,
    last_order_id = excluded.last_order_id,
    load_date = excluded.load_date,
    is_history = excluded.is_history;
