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

withdrawn as materialized (
    select uniq_id, status
    from mart.f_sales as fact
    where fact.load_date = $1
        and fact.is_history = $2
        and not exists (
            select from staging.user_order_log as staged
            where staged.load_date = $1
                and staged.is_history = $2
                and staged.uniq_id = fact.uniq_id
                and staged.status = fact.status
        )
),

next_newest as materialized (
    select orders.*
    from withdrawn
    cross join lateral (
        select uniq_id, status, date_time, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
        from staging.user_order_log as staged
        where staged.uniq_id = withdrawn.uniq_id
            and staged.status = withdrawn.status
        order by is_history, load_date desc
        limit 1
    ) as orders
),

removed as (
    delete from mart.f_sales as fact
    using withdrawn
    where fact.uniq_id = withdrawn.uniq_id
        and fact.status = withdrawn.status
        and not exists (
            select from next_newest
            where next_newest.uniq_id = withdrawn.uniq_id
                and next_newest.status = withdrawn.status
        )
),

written as (
    insert into mart.f_sales as fact (
        uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
    )
    select
        uniq_id, status, to_char(date_time, 'YYYYMMDD')::integer, item_id, customer_id, city_id, quantity,
        case status when 'refunded' then -abs(payment_amount) else payment_amount end, load_date, is_history
    from (select * from delivered union all select * from next_newest) as newest
    on conflict (uniq_id, status) do update set
        date_id = excluded.date_id,
        item_id = excluded.item_id,
        customer_id = excluded.customer_id,
        city_id = excluded.city_id,
        quantity = excluded.quantity,
        payment_amount = excluded.payment_amount,
        load_date = excluded.load_date,
        is_history = excluded.is_history
    where fact is distinct from excluded
        and (
            -- This delivery's own fact, changed or withdrawn,
            (fact.load_date = $1 and fact.is_history = $2)
            -- or one of an older delivery.
            or (fact.is_history, excluded.load_date) > (excluded.is_history, fact.load_date)
        )
    returning date_id
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
from (
    select distinct
        date_id,
        make_date(date_id / 10000, date_id / 100 % 100, date_id % 100) as date_actual
    from written
) as dates
on conflict (date_id) do nothing;
