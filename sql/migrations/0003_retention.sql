-- Weekly customer retention, in the words of its definition. A customer's category is decided by the whole week's
-- orders: new (exactly one shipped order), returning (more than one), refunded (any refund; beside one of the others).
--
-- A condition on period_id or period_start reaches the calendar, and by it the index on dates of the facts, since both
-- stand in every `group by` and `partition by`: docs/decisions/0006-retention-is-a-view.md.

create view mart.f_customer_retention as
with customer_week as (
    select
        calendar.period_id,
        calendar.week_start as period_start,
        fact.customer_id,
        count(*) filter (where fact.status = 'shipped') as shipped,
        count(*) filter (where fact.status = 'refunded') as refunded,
        sum(fact.payment_amount) as revenue
    from mart.f_sales as fact
    inner join mart.d_calendar as calendar using (date_id)
    group by calendar.period_id, calendar.week_start, fact.customer_id
)

select
    'weekly'::text as period_name,
    period_id,
    period_start,
    count(*) filter (where shipped = 1) as new_customers_count,
    count(*) filter (where shipped > 1) as returning_customers_count,
    count(*) filter (where refunded > 0) as refunded_customers_count,
    coalesce(sum(revenue) filter (where shipped = 1), 0.00) as new_customers_revenue,
    coalesce(sum(revenue) filter (where shipped > 1), 0.00) as returning_customers_revenue,
    coalesce(sum(revenue) filter (where refunded > 0), 0.00) as refunded_customers_revenue,
    coalesce(sum(refunded) filter (where shipped = 1), 0)::bigint as new_customers_refunded,
    coalesce(sum(refunded) filter (where shipped > 1), 0)::bigint as returning_customers_refunded,
    coalesce(sum(refunded) filter (where refunded > 0), 0)::bigint as refunded_customers_refunded
from customer_week
group by period_id, period_start;

-- The same over an item's rows; the category is still that of the whole week.
create view mart.f_customer_retention_by_item as
with customer_week_item as (
    select
        calendar.period_id,
        calendar.week_start as period_start,
        fact.customer_id,
        fact.item_id,
        count(*) filter (where fact.status = 'refunded') as refunded,
        sum(fact.payment_amount) as revenue,
        sum(count(*) filter (where fact.status = 'shipped')) over customer_week as shipped_in_week,
        sum(count(*) filter (where fact.status = 'refunded')) over customer_week as refunded_in_week
    from mart.f_sales as fact
    inner join mart.d_calendar as calendar using (date_id)
    group by calendar.period_id, calendar.week_start, fact.customer_id, fact.item_id
    window customer_week as (partition by calendar.period_id, calendar.week_start, fact.customer_id)
)

select
    'weekly'::text as period_name,
    period_id,
    period_start,
    item_id,
    count(*) filter (where shipped_in_week = 1) as new_customers_count,
    count(*) filter (where shipped_in_week > 1) as returning_customers_count,
    count(*) filter (where refunded_in_week > 0) as refunded_customers_count,
    coalesce(sum(revenue) filter (where shipped_in_week = 1), 0.00) as new_customers_revenue,
    coalesce(sum(revenue) filter (where shipped_in_week > 1), 0.00) as returning_customers_revenue,
    coalesce(sum(revenue) filter (where refunded_in_week > 0), 0.00) as refunded_customers_revenue,
    coalesce(sum(refunded) filter (where shipped_in_week = 1), 0)::bigint as new_customers_refunded,
    coalesce(sum(refunded) filter (where shipped_in_week > 1), 0)::bigint as returning_customers_refunded,
    coalesce(sum(refunded) filter (where refunded_in_week > 0), 0)::bigint as refunded_customers_refunded
from customer_week_item
group by period_id, period_start, item_id;
