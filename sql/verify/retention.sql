-- Weekly retention, by item where {of} is `item_id,`. Customers are categorised by their rows in the week; each category has
-- the sums over all their rows in it, or over those of the item.
with date as materialized (
    select distinct date_id
    from fact
),

week as materialized (
    select
        date_id,
        to_char(day, 'IYYYIW')::integer as period_id,
        date_trunc('week', day)::date as period_start
    from date
    cross join lateral cast(to_date(lpad(date_id::text, 8, '0'), 'YYYYMMDD') as timestamp) as day
),

categorised as (
    select
        period_id,
        period_start,
        item_id,
        customer_id,
        payment_amount,
        status = 'refunded' as is_refund,
        count(*) filter (where status = 'shipped') over customer_week as shipped,
        count(*) filter (where status = 'refunded') over customer_week as refunded
    from fact
    inner join week using (date_id)
    where period_start + 6 >= (select first_date from range)
        and period_start <= (select last_date from range)
    window customer_week as (partition by period_id, customer_id)
)

select
    'weekly' as period_name,
    period_id,
    period_start,
    {of}
    count(distinct customer_id) filter (where shipped = 1) as new_customers_count,
    count(distinct customer_id) filter (where shipped > 1) as returning_customers_count,
    count(distinct customer_id) filter (where refunded > 0) as refunded_customers_count,
    coalesce(sum(payment_amount) filter (where shipped = 1), 0) as new_customers_revenue,
    coalesce(sum(payment_amount) filter (where shipped > 1), 0) as returning_customers_revenue,
    coalesce(sum(payment_amount) filter (where refunded > 0), 0) as refunded_customers_revenue,
    count(*) filter (where shipped = 1 and is_refund) as new_customers_refunded,
    count(*) filter (where shipped > 1 and is_refund) as returning_customers_refunded,
    count(*) filter (where refunded > 0 and is_refund) as refunded_customers_refunded
from categorised
group by {of} period_id, period_start
