-- The customers with an order or a refund in every ISO week that a range touches; the first and last weeks are whole.
-- $1 first date, $2 last date, both included
select
    to_char(to_date(date_id::text, 'YYYYMMDD'), 'IYYYIW')::integer as period_id,
    count(distinct customer_id) as customers
from mart.f_sales
where date_id between to_char(date_trunc('week', $1::date::timestamp), 'YYYYMMDD')::integer
    and to_char(date_trunc('week', $2::date::timestamp) + interval '6 days', 'YYYYMMDD')::integer
group by 1
order by 1;
