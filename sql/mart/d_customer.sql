-- Gives every customer whom one delivery may concern the name and city of the last order in all of staging: the
-- greatest (date_time, load_date, id).
--
-- A customer's row holds the last order so far, so the last one of this delivery is compared with that alone. Other
-- deliveries are asked only for those whose last order came from this delivery and is no longer there as it was. Who
-- has no order left stays as it is, until any order comes.
--
-- Dates in a subselect are planned as average ones: a date newer than the planner's statistics would count as one row,
-- and be joined in a nested loop.
-- $1 load_date, $2 is_history, $3 the file of orders
with delivered as materialized (
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

-- Customers who may have lost their last order: this delivery gave it, and now holds an earlier one or none.
receding as materialized (
    select
        customer_id, given.first_name, given.last_name, given.city_id, given.load_date, given.is_history
    from mart.d_customer as given
    left join delivered using (customer_id)
    where given.load_date = (select $1::date)
        and given.is_history = (select $2::boolean)
        and (
            delivered.customer_id is null
            or (delivered.date_time, coalesce(delivered.id::numeric, '-infinity'))
            < (given.last_order_at, coalesce(given.last_order_id::numeric, '-infinity'))
        )
),

remaining as materialized (
    select distinct on (customer_id)
        customer_id, orders.first_name, orders.last_name, orders.city_id, date_time, id, load_date, orders.is_history
    from (select customer_id from receding) as receding
    -- Date by date, by the index.
    cross join (select distinct load_date from staging.file_load) as delivery
    inner join staging.user_order_log as orders using (load_date, customer_id)
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
    from receding
    where customer_id not in (select customer_id from remaining)
),

moved as (
    update mart.d_customer as former
    set
        first_name = last_order.first_name,
        last_name = last_order.last_name,
        city_id = last_order.city_id,
        last_order_at = last_order.date_time,
        last_order_id = last_order.id,
        load_date = last_order.load_date,
        is_history = last_order.is_history
    from last_order
    where former.customer_id = last_order.customer_id
        and (
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
),

-- For `missing_customers.sql`.
noted as (
    update staging.file_load
    set newest_order_at = (select max(date_time) from delivered)
    where load_date = $1
        and file = $3
)

insert into mart.d_customer (
    customer_id, first_name, last_name, city_id, last_order_at, last_order_id, load_date, is_history
)
select *
from delivered
where not exists (
    select from mart.d_customer as former
    where former.customer_id = delivered.customer_id
);
