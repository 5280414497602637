-- Moves weekly retention, by week and by item, along with the facts that `fact_change` has changed.
--
-- A customer's category depends on all his orders of the week, and on nobody else's: of each customer whom a changed
-- fact concerns, the week as it was is taken away and the week as it is added. So the cost is that of the change,
-- however many facts the week has. Weeks that are marked as stale are computed anew, by `retention_stale_week.sql`.
with moved as (
    select
        mart.week_of(date_id) as period_id,
        customer_id,
        item_id,
        status,
        facts,
        facts * payment_amount as amount
    from fact_change
    where mart.week_of(date_id) not in (select period_id from mart.retention_stale_week)
),

concerned as (
    select distinct period_id, customer_id
    from moved
),

held as (
    select
        concerned.*,
        fact.*
    from concerned
    cross join lateral (
        select item_id, status, payment_amount
        from mart.f_sales
        where mart.week_of(date_id) = concerned.period_id
            and customer_id = concerned.customer_id
        -- By the index, customer by customer: the planner would rather read all facts there are.
        offset 0
    ) as fact
),

-- The customers' weeks as they are (sign 1) and, taking back what has changed, as they were (sign -1).
fact_of_version as (
    select 1 as sign, period_id, customer_id, item_id, status, 1 as facts, payment_amount as amount from held
    union all
    select -1, period_id, customer_id, item_id, status, 1, payment_amount from held
    union all
    select -1, period_id, customer_id, item_id, status, -facts, -amount from moved
),

customer_week_item as (
    select
        sign,
        period_id,
        customer_id,
        item_id,
        coalesce(sum(facts) filter (where status = 'shipped'), 0) as shipped,
        coalesce(sum(facts) filter (where status = 'refunded'), 0) as refunded,
        sum(amount) as revenue
    from fact_of_version
    group by sign, period_id, customer_id, item_id
    having sum(facts) > 0
),

customer_week as (
    select
        sign,
        period_id,
        customer_id,
        sum(shipped) as shipped,
        sum(refunded) as refunded,
        sum(revenue) as revenue
    from customer_week_item
    group by sign, period_id, customer_id
),

customer_week_item_category as (
    select
        sign,
        period_id,
        item_id,
        refunded,
        revenue,
        sum(shipped) over week = 1 as is_new,
        sum(shipped) over week > 1 as is_returning,
        sum(refunded) over week > 0 as is_refunded
    from customer_week_item
    window week as (partition by sign, period_id, customer_id)
),

moved_week as (
    insert into mart.retention_week as week
    select
        'weekly',
        period_id,
        mart.week_start(period_id),
        coalesce(sum(sign) filter (where shipped = 1), 0) as new_customers_count,
        coalesce(sum(sign) filter (where shipped > 1), 0) as returning_customers_count,
        coalesce(sum(sign) filter (where refunded > 0), 0) as refunded_customers_count,
        coalesce(sum(sign * revenue) filter (where shipped = 1), 0.00) as new_customers_revenue,
        coalesce(sum(sign * revenue) filter (where shipped > 1), 0.00) as returning_customers_revenue,
        coalesce(sum(sign * revenue) filter (where refunded > 0), 0.00) as refunded_customers_revenue,
        coalesce(sum(sign * refunded) filter (where shipped = 1), 0) as new_customers_refunded,
        coalesce(sum(sign * refunded) filter (where shipped > 1), 0) as returning_customers_refunded,
        coalesce(sum(sign * refunded) filter (where refunded > 0), 0) as refunded_customers_refunded
    from customer_week
    group by period_id
    on conflict (period_id) do update set
        new_customers_count = week.new_customers_count + excluded.new_customers_count,
        returning_customers_count = week.returning_customers_count + excluded.returning_customers_count,
        refunded_customers_count = week.refunded_customers_count + excluded.refunded_customers_count,
        new_customers_revenue = week.new_customers_revenue + excluded.new_customers_revenue,
        returning_customers_revenue = week.returning_customers_revenue + excluded.returning_customers_revenue,
        refunded_customers_revenue = week.refunded_customers_revenue + excluded.refunded_customers_revenue,
        new_customers_refunded = week.new_customers_refunded + excluded.new_customers_refunded,
        returning_customers_refunded = week.returning_customers_refunded + excluded.returning_customers_refunded,
        refunded_customers_refunded = week.refunded_customers_refunded + excluded.refunded_customers_refunded
)

insert into mart.retention_week_item as week_item
select
    'weekly',
    period_id,
    mart.week_start(period_id),
    item_id,
    coalesce(sum(sign) filter (where is_new), 0) as new_customers_count,
    coalesce(sum(sign) filter (where is_returning), 0) as returning_customers_count,
    coalesce(sum(sign) filter (where is_refunded), 0) as refunded_customers_count,
    coalesce(sum(sign * revenue) filter (where is_new), 0.00) as new_customers_revenue,
    coalesce(sum(sign * revenue) filter (where is_returning), 0.00) as returning_customers_revenue,
    coalesce(sum(sign * revenue) filter (where is_refunded), 0.00) as refunded_customers_revenue,
    coalesce(sum(sign * refunded) filter (where is_new), 0) as new_customers_refunded,
    coalesce(sum(sign * refunded) filter (where is_returning), 0) as returning_customers_refunded,
    coalesce(sum(sign * refunded) filter (where is_refunded), 0) as refunded_customers_refunded
from customer_week_item_category
group by period_id, item_id
on conflict (period_id, item_id) do update set
    new_customers_count = week_item.new_customers_count + excluded.new_customers_count,
    returning_customers_count = week_item.returning_customers_count + excluded.returning_customers_count,
    refunded_customers_count = week_item.refunded_customers_count + excluded.refunded_customers_count,
    new_customers_revenue = week_item.new_customers_revenue + excluded.new_customers_revenue,
    returning_customers_revenue = week_item.returning_customers_revenue + excluded.returning_customers_revenue,
    refunded_customers_revenue = week_item.refunded_customers_revenue + excluded.refunded_customers_revenue,
    new_customers_refunded = week_item.new_customers_refunded + excluded.new_customers_refunded,
    returning_customers_refunded = week_item.returning_customers_refunded + excluded.returning_customers_refunded,
    refunded_customers_refunded = week_item.refunded_customers_refunded + excluded.refunded_customers_refunded;

-- A week in which nobody is left has no row; whoever has an order is in one category at least.
delete from mart.retention_week
where new_customers_count + returning_customers_count + refunded_customers_count = 0
    and period_id in (select mart.week_of(date_id) from fact_change);

delete from mart.retention_week_item
where new_customers_count + returning_customers_count + refunded_customers_count = 0
    and period_id in (select mart.week_of(date_id) from fact_change);
