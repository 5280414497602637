-- Finds what one delivery changes of the facts, into `fact_lost` and `fact_gained`: per (uniq_id, status) the mart holds
-- the newest delivery of staging, an increment before history and then the later load_date.
--
-- The cost is that of the delivery, not of history: a fact knows the delivery it came from, so a row of this delivery is
-- compared with the one fact of its key. Other deliveries are asked only for facts that this one gave before and that
-- its newest version no longer holds.
-- $1 load_date, $2 is_history
with delivered as (
    select *
    from staging.order_fact
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

next_newest as materialized (
    select distinct on (uniq_id, status) orders.*
    from withdrawn
    -- Date by date, by the key of staging.
    cross join (select distinct load_date from staging.file_load) as delivery
    inner join staging.order_fact as orders using (load_date, uniq_id, status)
    where orders.is_history in (false, true)
    order by uniq_id, status, is_history, load_date desc
),

change as materialized (
    select
        row(due.*)::staging.order_fact as due,
        fact.uniq_id as lost_uniq_id,
        fact.status as lost_status,
        fact.date_id as lost_date_id,
        fact.customer_id as lost_customer_id
    from (
        select * from delivered
        union all
        select * from next_newest
    ) as due
    left join mart.f_sales as fact using (uniq_id, status)
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
),

lost as (
    insert into fact_lost (uniq_id, status, date_id, customer_id)
    select lost_uniq_id, lost_status, lost_date_id, lost_customer_id
    from change
    where lost_uniq_id is not null
    union all
    select uniq_id, status, date_id, customer_id
    from vanished
    inner join mart.f_sales as fact using (uniq_id, status)
)

insert into fact_gained
select (due).*
from change;
