-- Gives every customer whom one delivery may concern the name and city of the last order in all of staging.
-- Concerned are those with an order in the delivery and those whose last order came from it so far, since its
-- newest version may have changed or withdrawn that order. Who has no order left stays as he is.
-- $1 load_date, $2 is_history
with concerned as (
    select customer_id
    from staging.user_order_log
    where load_date = $1
        and is_history = $2
    union
    select customer_id
    from mart.d_customer
    where load_date = $1
        and is_history = $2
),

last_order as (
    select ordered.*
    from concerned
    cross join lateral (
        select customer_id, first_name, last_name, city_id, load_date, is_history
        from staging.user_order_log as orders
        where orders.customer_id = concerned.customer_id
        order by
            date_time desc, load_date desc, id desc nulls last,
            -- Equal up to here are only rows without an id or with an id that repeats; the rest makes the
            -- choice the same every time.
            is_history, uniq_id desc, status desc
        limit 1
    ) as ordered
)

insert into mart.d_customer as customer (customer_id, first_name, last_name, city_id, load_date, is_history)
select customer_id, first_name, last_name, city_id, load_date, is_history
from last_order
on conflict (customer_id) do update set
    first_name = excluded.first_name,
    last_name = excluded.last_name,
    city_id = excluded.city_id,
    load_date = excluded.load_date,
    is_history = excluded.is_history
where customer is distinct from excluded;
