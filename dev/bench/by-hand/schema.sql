-- The tables of the yardstick, as a person would create them by hand: the same keys as the product's, and three
-- indexes, for what else is asked.

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
