-- The same over the rows of each item; the category is that of the whole week.
select
    'weekly' as period_name,
    period_id,
    period_start,
    item_id,
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
group by period_id, period_start, item_id
