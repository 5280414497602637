-- The staging layer: every delivered increment, under the date that it was delivered for.
--
-- is_history marks the full report. It is staged under its start_day, and every increment is newer than it,
-- whatever the dates are; an increment of that same day has its own rows beside it.
--
-- Keys are compared byte by byte (collate "C"): ids are not words, and it sorts several times faster.

create schema if not exists staging;

create table staging.user_order_log (
    load_date date not null,
    is_history boolean not null default false,
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
    status text collate "C" not null default 'shipped' check (status in ('shipped', 'refunded')),
    primary key (load_date, is_history, uniq_id, status)
);

create function staging.week_of(day date) returns integer
    language sql immutable strict parallel safe
    return (day - date '0001-01-01') / 7;

-- Both indexes are for what a redelivery has taken away: the next newest delivery of an order, and the last order that
-- a customer still has. They begin with a week, so that a day writes to their newest pages only, however long history
-- is (with 10 million orders, a day of 15,000 changed 28,000 pages of indexes without it); a search asks week by week.
create index user_order_log_other_delivery
    on staging.user_order_log (staging.week_of(load_date), uniq_id, status);

create index user_order_log_last_order
    on staging.user_order_log (staging.week_of(date_time::date), customer_id);

-- The weeks that there are, jumping from one to the next in the index.
create view staging.user_order_log_delivery_week as
with recursive delivery_week (week) as (
    select min(staging.week_of(load_date))
    from staging.user_order_log
    union all
    select (
        select min(staging.week_of(load_date))
        from staging.user_order_log
        where staging.week_of(load_date) > delivery_week.week
    )
    from delivery_week
    where delivery_week.week is not null
)
select week
from delivery_week
where week is not null;

create view staging.user_order_log_order_week as
with recursive order_week (week) as (
    select min(staging.week_of(date_time::date))
    from staging.user_order_log
    union all
    select (
        select min(staging.week_of(date_time::date))
        from staging.user_order_log
        where staging.week_of(date_time::date) > order_week.week
    )
    from order_week
    where order_week.week is not null
)
select week
from order_week
where week is not null;

create table staging.user_activity_log (
    load_date date not null,
    is_history boolean not null default false,
    id bigint,
    uniq_id text collate "C" not null,
    date_time timestamp not null,
    action_id bigint not null,
    customer_id bigint not null,
    quantity bigint not null,
    primary key (load_date, is_history, uniq_id)
);

create table staging.customer_research (
    load_date date not null,
    is_history boolean not null default false,
    date_id timestamp not null,
    category_id bigint not null,
    geo_id bigint not null,
    sales_qty bigint not null,
    sales_amt numeric(18, 2) not null,
    primary key (load_date, is_history, date_id, category_id, geo_id)
);

create table staging.price_log (
    load_date date not null,
    is_history boolean not null default false,
    name text collate "C" not null,
    price numeric(18, 2) not null,
    primary key (load_date, is_history, name)
);

-- Numbers every download at its start: of two, the one that was asked for later is the newer,
-- and an older one never replaces it.
create sequence staging.delivery_number;

-- One row per date and file: the newest load, written in the transaction that staged it.
create table staging.file_load (
    load_date date not null,
    file text collate "C" not null,
    delivery bigint not null,
    sha256 text not null,
    bytes bigint not null,
    rows_read bigint not null,
    rows_kept bigint not null,
    rows_duplicate bigint not null,
    rows_rejected bigint not null,
    warnings text[] not null default '{}',
    workflow_id text not null,
    run_id text not null,
    attempt integer not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    primary key (load_date, file),
    check (rows_read = rows_kept + rows_duplicate + rows_rejected)
);

-- The rows set aside by the newest load of that date and file. A NUL byte in raw is shown as U+2400.
create table staging.rejected_row (
    load_date date not null,
    file text collate "C" not null,
    line bigint not null,
    column_name text,
    rule text not null,
    reason text not null,
    raw text not null,
    primary key (load_date, file, line)
);

-- One row per date: the newest outcome. order_delivery is the delivery of the orders that the mart shows for
-- this date; a file_load with another one means that a run ended between staging and mart.
create table staging.day_load (
    load_date date not null,
    is_history boolean not null default false,
    outcome text not null check (outcome in ('loaded', 'no_increment', 'failed')),
    error text,
    error_type text,
    order_delivery bigint,
    -- Sum of the delivered orders' payments, refunds negative.
    revenue numeric,
    accepted_missing text[] not null default '{}',
    workflow_id text not null,
    run_id text not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    primary key (load_date, is_history)
);

-- Which workflow loads a date at the moment. A second one waits for it while it is open.
create table staging.day_claim (
    claim text primary key,
    workflow_id text not null,
    run_id text not null,
    claimed_at timestamptz not null
);

-- The report that a run asked for, so that a second try of the request does not ask again.
create table staging.report_request (
    workflow_id text not null,
    run_id text not null,
    task_id text not null,
    requested_at timestamptz not null,
    primary key (workflow_id, run_id)
);

-- The messages to a person that were sent, each kind once a run.
create table staging.alert (
    workflow_id text not null,
    run_id text not null,
    kind text not null,
    sent_at timestamptz not null default now(),
    primary key (workflow_id, run_id, kind)
);
