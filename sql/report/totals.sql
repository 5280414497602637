-- The sales of a range in one line. $1 first date, $2 last date, both included
select
    (count(*) filter (where status = 'shipped'))::float8 as orders,
    (count(*) filter (where status = 'refunded'))::float8 as refunds,
    coalesce(sum(payment_amount), 0.00) as revenue,
    count(distinct customer_id)::float8 as customers
from mart.f_sales
where date_id between to_char($1::date, 'YYYYMMDD')::integer and to_char($2::date, 'YYYYMMDD')::integer;
