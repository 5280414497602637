-- Weekly customer retention. A customer's category is decided by the whole week's orders:
-- new (exactly one shipped order), returning (more than one), refunded (any refund; beside one of the others).

create function mart.week_of(date_id integer) returns integer
    language sql immutable strict parallel safe
    return (extract(isoyear from make_date(date_id / 10000, date_id / 100 % 100, date_id % 100)) * 100
        + extract(week from make_date(date_id / 10000, date_id / 100 % 100, date_id % 100)))::integer;

create function mart.week_start(period_id integer) returns date
    language sql immutable strict parallel safe
    -- The 4th of January lies in week 1 of its ISO year.
    return date_trunc('week', make_date(period_id / 100, 1, 4)::timestamp)::date + (period_id % 100 - 1) * 7;

create view mart.customer_week_item as
select
    mart.week_of(date_id) as period_id,
    customer_id,
    item_id,
    count(*) filter (where status = 'shipped') as shipped,
    count(*) filter (where status = 'refunded') as refunded,
    sum(payment_amount) as revenue
from mart.f_sales
group by mart.week_of(date_id), customer_id, item_id;

create view mart.customer_week_item_category as
select
    period_id,
    customer_id,
    item_id,
    refunded,
    revenue,
    sum(shipped) over week = 1 as is_new,
    sum(shipped) over week > 1 as is_returning,
    sum(refunded) over week > 0 as is_refunded
from mart.customer_week_item
window week as (partition by period_id, customer_id);

create view mart.f_customer_retention as
select
    'weekly'::text as period_name,
    period_id,
    mart.week_start(period_id) as period_start,
    count(distinct customer_id) filter (where is_new) as new_customers_count,
    count(distinct customer_id) filter (where is_returning) as returning_customers_count,
    count(distinct customer_id) filter (where is_refunded) as refunded_customers_count,
    coalesce(sum(revenue) filter (where is_new), 0.00) as new_customers_revenue,
    coalesce(sum(revenue) filter (where is_returning), 0.00) as returning_customers_revenue,
    coalesce(sum(revenue) filter (where is_refunded), 0.00) as refunded_customers_revenue,
    coalesce(sum(refunded) filter (where is_new), 0)::bigint as new_customers_refunded,
    coalesce(sum(refunded) filter (where is_returning), 0)::bigint as returning_customers_refunded,
    coalesce(sum(refunded) filter (where is_refunded), 0)::bigint as refunded_customers_refunded
from mart.customer_week_item_category
group by period_id;

create view mart.f_customer_retention_by_item as
select
    'weekly'::text as period_name,
    period_id,
    mart.week_start(period_id) as period_start,
    item_id,
    count(*) filter (where is_new) as new_customers_count,
    count(*) filter (where is_returning) as returning_customers_count,
    count(*) filter (where is_refunded) as refunded_customers_count,
    coalesce(sum(revenue) filter (where is_new), 0.00) as new_customers_revenue,
    coalesce(sum(revenue) filter (where is_returning), 0.00) as returning_customers_revenue,
    coalesce(sum(revenue) filter (where is_refunded), 0.00) as refunded_customers_revenue,
    coalesce(sum(refunded) filter (where is_new), 0)::bigint as new_customers_refunded,
    coalesce(sum(refunded) filter (where is_returning), 0)::bigint as returning_customers_refunded,
    coalesce(sum(refunded) filter (where is_refunded), 0)::bigint as refunded_customers_refunded
from mart.customer_week_item_category
group by period_id, item_id;
