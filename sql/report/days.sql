-- The sales of every day of a range, also of days without any. $1 first date, $2 last date, both included
with sales as (
    select
        date_id,
        (count(*) filter (where status = 'shipped'))::float8 as orders,
        (count(*) filter (where status = 'refunded'))::float8 as refunds,
        sum(payment_amount) as revenue
    from mart.f_sales
    where date_id between to_char($1::date, 'YYYYMMDD')::integer and to_char($2::date, 'YYYYMMDD')::integer
    group by date_id
)

select
    calendar.day::date as date,
    coalesce(sales.orders, 0) as orders,
    coalesce(sales.refunds, 0) as refunds,
    coalesce(sales.revenue, 0.00) as revenue
from generate_series($1::date::timestamp, $2::date::timestamp, interval '1 day') as calendar (day)
left join sales
    on sales.date_id = to_char(calendar.day, 'YYYYMMDD')::integer
order by calendar.day;
