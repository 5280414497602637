-- The tables of the yardstick, as a person would create them by hand: the same keys as the product's, and three
-- indexes, for what else is asked. Weekly retention is a plain view.

create schema by_hand;
set search_path = by_hand;

create table stg_orders (
    load_date date not null,
    id bigint,
    uniq_id text collate "C" not null,
    date_time timestamp not null,
    city_id bigint not null,
    city_name text not null,
    customer_id bigint not null,
    first_name text,
    last_name text,
    item_id bigint not null,
    item_name text not null,
    quantity bigint not null,
    payment_amount numeric(18, 2) not null,
    status text collate "C" not null,
    primary key (load_date, uniq_id, status)
);
create index on stg_orders (customer_id, date_time);

create table d_calendar (date_id integer primary key, date_actual date not null, week_of_year integer, iso_year integer);
create table d_city (city_id bigint primary key, city_name text not null);
create table d_item (item_id bigint primary key, item_name text not null);
create table d_customer (customer_id bigint primary key, first_name text, last_name text, city_id bigint not null);

create table f_sales (
    uniq_id text collate "C" not null,
    status text collate "C" not null,
    date_id integer not null,
    item_id bigint not null,
    customer_id bigint not null,
    city_id bigint not null,
    quantity bigint not null,
    payment_amount numeric(18, 2) not null,
    load_date date not null,
    primary key (uniq_id, status)
);
create index on f_sales (load_date);
create index on f_sales (date_id);

create view f_customer_retention as
with customer_week as (
    select
        iso_year * 100 + week_of_year as period_id,
        customer_id,
        count(*) filter (where status = 'shipped') as shipped,
        count(*) filter (where status = 'refunded') as refunded,
        sum(payment_amount) as revenue
    from f_sales
    inner join d_calendar using (date_id)
    group by 1, 2
)

select
    period_id,
    count(*) filter (where shipped = 1) as new_customers_count,
    count(*) filter (where shipped > 1) as returning_customers_count,
    count(*) filter (where refunded > 0) as refunded_customers_count,
    coalesce(sum(revenue) filter (where shipped = 1), 0) as new_customers_revenue,
    coalesce(sum(revenue) filter (where shipped > 1), 0) as returning_customers_revenue,
    coalesce(sum(revenue) filter (where refunded > 0), 0) as refunded_customers_revenue,
    coalesce(sum(refunded) filter (where shipped = 1), 0) as new_customers_refunded,
    coalesce(sum(refunded) filter (where shipped > 1), 0) as returning_customers_refunded,
    coalesce(sum(refunded) filter (where refunded > 0), 0) as refunded_customers_refunded
from customer_week
group by period_id;
