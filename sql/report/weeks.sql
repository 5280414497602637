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
-- By the week's number, which is the key.
where period_id between mart.week_of(to_char($1::date, 'YYYYMMDD')::integer)
    and mart.week_of(to_char($2::date, 'YYYYMMDD')::integer)
order by period_id;
