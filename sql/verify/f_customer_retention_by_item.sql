-- The same over the rows of each item; the category is that of the whole week.
select
    'weekly' as period_name,
    period_id,
    period_start,
    item_id,
    count(distinct customer_id) filter (where is_new) as new_customers_count,
    count(distinct customer_id) filter (where is_returning) as returning_customers_count,
    count(distinct customer_id) filter (where is_refunded) as refunded_customers_count,
    coalesce(sum(payment_amount) filter (where is_new), 0) as new_customers_revenue,
    coalesce(sum(payment_amount) filter (where is_returning), 0) as returning_customers_revenue,
    coalesce(sum(payment_amount) filter (where is_refunded), 0) as refunded_customers_revenue,
    count(*) filter (where is_new and status = 'refunded') as new_customers_refunded,
    count(*) filter (where is_returning and status = 'refunded') as returning_customers_refunded,
    count(*) filter (where is_refunded and status = 'refunded') as refunded_customers_refunded
from categorised
group by period_id, period_start, item_id
