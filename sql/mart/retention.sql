-- Takes the weeks of the customers in `customer_week` away from retention ($1 = -1, before the facts change) or adds
-- them to it ($1 = 1, after). A customer's category depends on all orders of that customer in the week, and on no
-- others, so the cost is that of the weeks concerned, however many facts there are.
-- $1 sign
with week as (
    select
        period_id,
        to_char(mart.week_start(period_id), 'YYYYMMDD')::integer as first_date_id,
        to_char(mart.week_start(period_id) + 6, 'YYYYMMDD')::integer as last_date_id
    from (select distinct period_id from customer_week) as concerned
),

week_fact as (
    select week.period_id, fact.customer_id, fact.item_id, fact.status, fact.payment_amount
    from week
    inner join mart.f_sales as fact on fact.date_id between week.first_date_id and week.last_date_id
    -- Once a week, by the index on dates, whatever the planner thinks of the customers.
    offset 0
),

customer_item as (
    select
        period_id,
        customer_id,
        item_id,
        count(*) filter (where status = 'shipped') as shipped,
        count(*) filter (where status = 'refunded') as refunded,
        sum(payment_amount) as revenue
    from week_fact
    where (period_id, customer_id) in (select period_id, customer_id from customer_week)
    group by period_id, customer_id, item_id
),

categorised as (
    select
        period_id,
        item_id,
        least(sum(shipped) over customer, 2)::smallint as shipped_orders,
        sum(refunded) over customer > 0 as has_refund,
        row_number() over (customer order by item_id) = 1 as is_first_item,
        revenue,
        refunded
    from customer_item
    window customer as (partition by period_id, customer_id)
)

insert into mart.retention_week_item as week_item (
    period_id, item_id, shipped_orders, has_refund, customers, customers_by_first_item, revenue, refunded
)
select
    period_id,
    item_id,
    shipped_orders,
    has_refund,
    $1 * count(*),
    $1 * count(*) filter (where is_first_item),
    $1 * sum(revenue),
    $1 * sum(refunded)
from categorised
group by period_id, item_id, shipped_orders, has_refund
on conflict (period_id, item_id, shipped_orders, has_refund) do update set
    customers = week_item.customers + excluded.customers,
    customers_by_first_item = week_item.customers_by_first_item + excluded.customers_by_first_item,
    revenue = week_item.revenue + excluded.revenue,
    refunded = week_item.refunded + excluded.refunded;
