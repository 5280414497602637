-- The mart. Its tables are filled from staging by the statements in sql/mart/.

create schema if not exists mart;

create table mart.d_calendar (
    date_id integer primary key,
    date_actual date not null unique,
    day_of_week integer not null,
    day_of_month integer not null,
    week_of_year integer not null,
    iso_year integer not null,
    week_start date not null,
    month_actual integer not null,
    quarter_actual integer not null,
    year_actual integer not null,
    -- The week by its number, e.g. 202408. A column of its own has statistics, by which a query of some weeks finds the
    -- index on dates of the facts.
    period_id integer not null
);

create table mart.d_city (
    city_id bigint primary key,
    city_name text not null
);

create table mart.d_item (
    item_id bigint primary key,
    item_name text not null
);

-- The last four columns tell which order of which delivery is the customer's last one.
create table mart.d_customer (
    customer_id bigint primary key,
    first_name text,
    last_name text,
    city_id bigint not null,
    last_order_at timestamp not null,
    last_order_id bigint,
    load_date date not null,
    is_history boolean not null
);

-- Small, and nothing to write for a new row: the customers of a delivery lie close together.
create index d_customer_delivery on mart.d_customer using brin (load_date) with (autosummarize = on);

-- The columns of staging.order_fact, in its order: rows are compared and inserted whole. load_date and is_history tell
-- which delivery the fact comes from.
create table mart.f_sales (
    uniq_id text collate "C" not null,
    status text collate "C" not null,
    date_id integer not null,
    item_id bigint not null,
    customer_id bigint not null,
    city_id bigint not null,
    quantity bigint not null,
    payment_amount numeric(18, 2) not null,
    load_date date not null,
    is_history boolean not null,
    primary key (uniq_id, status)
);

create index f_sales_date on mart.f_sales (date_id);

create index f_sales_delivery on mart.f_sales using brin (load_date) with (autosummarize = on);

-- A function, since a distributed PostgreSQL (Citus) cannot run a subquery for each row. By `date_id = … limit 1` the
-- planner may read the whole table, in the hope of an early hit; an ordered range is read by the index.
create function mart.has_facts(date_id integer) returns boolean
    language plpgsql stable
as $$
begin
    perform from mart.f_sales as fact
    where fact.date_id between has_facts.date_id and has_facts.date_id
    order by fact.date_id
    limit 1;
    return found;
end
$$;

-- Whether a delivery holds an order of a date that can be about it: none of a later day, and none of more than a quarter
-- before. Other dates are typing errors in files, such as 1970-01-01 for none. By the index, as above.
create function mart.has_likely_facts(date_id integer) returns boolean
    language plpgsql stable
as $$
declare
    day constant date := to_date(lpad(has_likely_facts.date_id::text, 8, '0'), 'YYYYMMDD');
begin
    perform from mart.f_sales as fact
    where fact.date_id between has_likely_facts.date_id and has_likely_facts.date_id
        and fact.load_date <= day + 92
        and (fact.is_history or fact.load_date >= day - 1)
    order by fact.date_id
    limit 1;
    return found;
end
$$;

-- Every staged order as the fact that it makes; test/database/mart.test.ts compares its columns with those of f_sales.
create view staging.order_fact as
select
    uniq_id,
    status,
    to_char(date_time, 'YYYYMMDD')::integer as date_id,
    item_id,
    customer_id,
    city_id,
    quantity,
    (case status when 'refunded' then -abs(payment_amount) else payment_amount end)::numeric(18, 2) as payment_amount,
    load_date,
    is_history
from staging.user_order_log;
