-- Customer retention of every ISO week with sales that a range touches; the first and the last week are whole
-- weeks even if the range begins or ends within them. $1 first date, $2 last date, both included
select
    period_id,
    period_start,
    new_customers_count,
    returning_customers_count,
    refunded_customers_count,
    new_customers_revenue,
    returning_customers_revenue,
    refunded_customers_revenue
from mart.f_customer_retention
where period_start between date_trunc('week', $1::date::timestamp)::date and $2::date
order by period_id;
