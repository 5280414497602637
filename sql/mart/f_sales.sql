-- Brings the facts up to date with one delivery: per (uniq_id, status) the mart holds the newest delivery of
-- staging, an increment before history and then the later load_date.
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
withdrawn as (
    select uniq_id, status
    from mart.f_sales
    where load_date = $1
        and is_history = $2
    except
    select uniq_id, status
    from delivered
),

-- Without a load_date where no other delivery holds the order.
next_newest as materialized (
    select
        withdrawn.uniq_id, withdrawn.status, date_time, item_id, customer_id, city_id, quantity, payment_amount,
        load_date, is_history
    from withdrawn
    left join lateral (
        select date_time, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
        from staging.user_order_log as staged
        where staged.uniq_id = withdrawn.uniq_id
            and staged.status = withdrawn.status
        order by is_history, load_date desc
        limit 1
    ) as staged on true
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
        select * from next_newest where load_date is not null
    ) as orders
),

changed as materialized (
    select
        due.*,
        fact.date_id as former_date_id
    from due
    left join mart.f_sales as fact
        on fact.uniq_id = due.uniq_id
            and fact.status = due.status
    where fact is distinct from due
        and (
            fact.uniq_id is null
            -- This delivery's own fact, changed or withdrawn,
            or (fact.load_date = $1 and fact.is_history = $2)
            -- or one of an older delivery.
            or (fact.is_history, due.load_date) > (due.is_history, fact.load_date)
        )
),

written as (
    insert into mart.f_sales (
        uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
    )
    select uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
    from changed
    on conflict (uniq_id, status) do update set
        date_id = excluded.date_id,
        item_id = excluded.item_id,
        customer_id = excluded.customer_id,
        city_id = excluded.city_id,
        quantity = excluded.quantity,
        payment_amount = excluded.payment_amount,
        load_date = excluded.load_date,
        is_history = excluded.is_history
),

removed as (
    delete from mart.f_sales as fact
    using next_newest
    where fact.uniq_id = next_newest.uniq_id
        and fact.status = next_newest.status
        and next_newest.load_date is null
    returning fact.date_id
),

dates_reached as materialized (
    select distinct
        date_id,
        make_date(date_id / 10000, date_id / 100 % 100, date_id % 100) as date_actual
    from changed
),

dates_left as (
    select
        date_id,
        count(*) as facts
    from (
        select former_date_id as date_id from changed where former_date_id <> date_id
        union all
        select date_id from removed
    ) as former
    group by date_id
),

-- The calendar holds the dates of facts and no other, whatever was loaded before. Every part of this statement
-- sees the facts as they were at its start: a date is empty when all of them leave and none arrives.
emptied as (
    delete from mart.d_calendar as calendar
    using dates_left
    where calendar.date_id = dates_left.date_id
        and dates_left.date_id not in (select date_id from dates_reached)
        and dates_left.facts = (
            select count(*)
            from mart.f_sales as fact
            -- The index is by week, then date.
            where mart.week_of(fact.date_id) = mart.week_of(dates_left.date_id)
                and fact.date_id = dates_left.date_id
        )
)

insert into mart.d_calendar (
    date_id, date_actual, day_of_week, day_of_month, week_of_year, iso_year, week_start, month_actual,
    quarter_actual, year_actual
)
select
    date_id,
    date_actual,
    extract(isodow from date_actual),
    extract(day from date_actual),
    extract(week from date_actual),
    extract(isoyear from date_actual),
    date_trunc('week', date_actual::timestamp)::date,
    extract(month from date_actual),
    extract(quarter from date_actual),
    extract(year from date_actual)
from dates_reached
on conflict (date_id) do nothing;
