-- Customer retention of every ISO week with sales that a range touches, and all customers with an order or a refund in it;
-- the first and the last week are whole weeks even if the range begins or ends within them.
-- $1 first date, $2 last date, both included
with all_customers as (
    select
        to_char(to_date(date_id::text, 'YYYYMMDD'), 'IYYYIW')::integer as period_id,
        count(distinct customer_id)::float8 as customers
    from mart.f_sales
    where date_id between to_char(date_trunc('week', $1::date::timestamp), 'YYYYMMDD')::integer
        and to_char(date_trunc('week', $2::date::timestamp) + interval '6 days', 'YYYYMMDD')::integer
    group by 1
)

select
    to_char(period_start, 'IYYY-"W"IW') as week,
    period_start,
    customers,
    new_customers_count::float8 as new_customers_count,
    returning_customers_count::float8 as returning_customers_count,
    refunded_customers_count::float8 as refunded_customers_count,
    new_customers_revenue,
    returning_customers_revenue,
    refunded_customers_revenue
from mart.f_customer_retention
inner join all_customers using (period_id)
where period_start between date_trunc('week', $1::date::timestamp)::date and $2::date
order by period_id;
