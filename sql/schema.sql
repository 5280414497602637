-- The schema as the migrations leave it: for reading, never run.
-- Renew it with: node --import ./runtime/register.js test/database/schema-dump.ts

create schema mart;

create schema staging;

create sequence staging.delivery_number as bigint start 1;

create table mart.d_calendar (
    date_id integer not null,
    date_actual date not null,
    day_of_week integer not null,
    day_of_month integer not null,
    week_of_year integer not null,
    iso_year integer not null,
    week_start date not null,
    month_actual integer not null,
    quarter_actual integer not null,
    year_actual integer not null,
    constraint d_calendar_date_actual_key UNIQUE (date_actual),
    constraint d_calendar_pkey PRIMARY KEY (date_id)
);

create table mart.d_city (
    city_id bigint not null,
    city_name text not null,
    constraint d_city_pkey PRIMARY KEY (city_id)
);

create table mart.d_customer (
    customer_id bigint not null,
    first_name text,
    last_name text,
    city_id bigint not null,
    last_order_at timestamp without time zone not null,
    last_order_id bigint,
    load_date date not null,
    is_history boolean not null,
    constraint d_customer_pkey PRIMARY KEY (customer_id)
);

create table mart.d_item (
    item_id bigint not null,
    item_name text not null,
    constraint d_item_pkey PRIMARY KEY (item_id)
);

create table mart.f_sales (
    uniq_id text collate "C" not null,
    status text collate "C" not null,
    date_id integer not null,
    item_id bigint not null,
    customer_id bigint not null,
    city_id bigint not null,
    quantity bigint not null,
    payment_amount numeric(18,2) not null,
    load_date date not null,
    is_history boolean not null,
    constraint f_sales_pkey PRIMARY KEY (uniq_id, status)
);

create table mart.retention_stale_week (
    period_id integer not null,
    constraint retention_stale_week_pkey PRIMARY KEY (period_id)
);

create table mart.retention_week_item (
    period_id integer not null,
    item_id bigint not null,
    shipped_orders smallint not null,
    has_refund boolean not null,
    customers bigint not null,
    customers_by_first_item bigint not null,
    revenue numeric not null,
    refunded bigint not null,
    constraint retention_week_item_pkey PRIMARY KEY (period_id, item_id, shipped_orders, has_refund)
);

create table staging.backfill_day (
    workflow_id text not null,
    load_date date not null,
    outcome text not null,
    error text,
    recorded_at timestamp with time zone default now() not null,
    constraint backfill_day_pkey PRIMARY KEY (workflow_id, load_date),
    constraint backfill_day_outcome_check CHECK ((outcome = ANY (ARRAY['loaded'::text, 'no_increment'::text, 'failed'::text])))
);

create table staging.customer_research (
    load_date date not null,
    is_history boolean default false not null,
    date_id timestamp without time zone not null,
    category_id bigint not null,
    geo_id bigint not null,
    sales_qty bigint not null,
    sales_amt numeric(18,2) not null,
    constraint customer_research_pkey PRIMARY KEY (load_date, is_history, date_id, category_id, geo_id)
);

create table staging.day_claim (
    claim text not null,
    workflow_id text not null,
    run_id text not null,
    files text[],
    claimed_at timestamp with time zone not null,
    constraint day_claim_pkey PRIMARY KEY (claim)
);

create table staging.day_load (
    load_date date not null,
    is_history boolean default false not null,
    outcome text not null,
    error text,
    error_type text,
    revenue numeric,
    accepted_missing text[] default '{}'::text[] not null,
    not_found text,
    not_found_number bigint,
    failed_deliveries text[] default '{}'::text[] not null,
    number bigint not null,
    workflow_id text not null,
    run_id text not null,
    started_at timestamp with time zone not null,
    finished_at timestamp with time zone not null,
    constraint day_load_pkey PRIMARY KEY (load_date, is_history),
    constraint day_load_outcome_check CHECK ((outcome = ANY (ARRAY['loaded'::text, 'no_increment'::text, 'failed'::text])))
);

create table staging.file_load (
    load_date date not null,
    file text collate "C" not null,
    delivery_number bigint not null,
    mart_delivery_number bigint,
    sha256 text not null,
    bytes bigint not null,
    rows_read bigint not null,
    rows_kept bigint not null,
    rows_duplicate bigint not null,
    rows_rejected bigint not null,
    warnings text[] default '{}'::text[] not null,
    workflow_id text not null,
    run_id text not null,
    attempt integer not null,
    started_at timestamp with time zone not null,
    finished_at timestamp with time zone not null,
    volume_warning text,
    constraint file_load_pkey PRIMARY KEY (load_date, file),
    constraint file_load_check CHECK ((rows_read = ((rows_kept + rows_duplicate) + rows_rejected)))
);

create table staging.forgotten_customer (
    customer_id bigint not null,
    forgotten_at timestamp with time zone default clock_timestamp() not null,
    forgotten_by text default SESSION_USER not null,
    staged_rows bigint not null,
    mart_rows bigint not null,
    rejected_rows bigint not null,
    constraint forgotten_customer_pkey PRIMARY KEY (customer_id)
);

create table staging.landing (
    task_queue text not null,
    host text not null,
    pruned_at timestamp with time zone not null,
    expected_by timestamp with time zone not null,
    files_removed bigint not null,
    days_in_use date[] not null,
    constraint landing_pkey PRIMARY KEY (task_queue)
);

create table staging.price_log (
    load_date date not null,
    is_history boolean default false not null,
    name text collate "C" not null,
    price numeric(18,2) not null,
    constraint price_log_pkey PRIMARY KEY (load_date, is_history, name)
);

create table staging.rejected_row (
    load_date date not null,
    file text collate "C" not null,
    line bigint not null,
    column_name text,
    rule text not null,
    reason text not null,
    raw text not null,
    constraint rejected_row_pkey PRIMARY KEY (load_date, file, line)
);

create table staging.schema_migration (
    version integer not null,
    name text not null,
    checksum text not null,
    applied_at timestamp with time zone default now() not null,
    constraint schema_migration_pkey PRIMARY KEY (version)
);

create table staging.user_activity_log (
    load_date date not null,
    is_history boolean default false not null,
    id bigint,
    uniq_id text collate "C" not null,
    date_time timestamp without time zone not null,
    action_id bigint not null,
    customer_id bigint not null,
    quantity bigint not null,
    constraint user_activity_log_pkey PRIMARY KEY (load_date, is_history, uniq_id)
);

create table staging.user_order_log (
    load_date date not null,
    is_history boolean default false not null,
    id bigint,
    uniq_id text collate "C" not null,
    date_time timestamp without time zone not null,
    city_id bigint not null,
    city_name text not null,
    customer_id bigint not null,
    first_name text,
    last_name text,
    item_id bigint not null,
    item_name text not null,
    quantity bigint not null,
    payment_amount numeric(18,2) not null,
    status text collate "C" default 'shipped'::text not null,
    constraint user_order_log_pkey PRIMARY KEY (load_date, is_history, uniq_id, status),
    constraint user_order_log_status_check CHECK ((status = ANY (ARRAY['shipped'::text, 'refunded'::text])))
);

CREATE INDEX d_customer_delivery ON mart.d_customer USING brin (load_date) WITH (autosummarize='on');

CREATE INDEX f_sales_date ON mart.f_sales USING btree (date_id);

CREATE INDEX f_sales_delivery ON mart.f_sales USING brin (load_date) WITH (autosummarize='on');

CREATE INDEX user_order_log_customer ON staging.user_order_log USING btree (load_date, customer_id);

CREATE OR REPLACE FUNCTION mart.has_facts(date_id integer)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
begin
    perform from mart.f_sales as fact
    where fact.date_id between has_facts.date_id and has_facts.date_id
    order by fact.date_id
    limit 1;
    return found;
end
$function$
;

CREATE OR REPLACE FUNCTION mart.has_likely_facts(date_id integer)
 RETURNS boolean
 LANGUAGE plpgsql
 STABLE
AS $function$
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
$function$
;

CREATE OR REPLACE FUNCTION mart.mark_all_weeks()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
    insert into mart.retention_stale_week (period_id)
    select distinct period_id from mart.retention_week_item
    on conflict (period_id) do update set period_id = excluded.period_id;
    return null;
end
$function$
;

CREATE OR REPLACE FUNCTION mart.mark_changed_weeks()
 RETURNS trigger
 LANGUAGE plpgsql
AS $function$
begin
    insert into mart.retention_stale_week (period_id)
    select distinct mart.week_of(date_id)
    from (select distinct date_id from changed) as dates
    on conflict (period_id) do update set period_id = excluded.period_id;
    return null;
end
$function$
;

CREATE OR REPLACE FUNCTION mart.week_of(date_id integer)
 RETURNS integer
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN (((date_part('isoyear'::text, make_date((date_id / 10000), ((date_id / 100) % 100), (date_id % 100))))::integer * 100) + (date_part('week'::text, make_date((date_id / 10000), ((date_id / 100) % 100), (date_id % 100))))::integer)
;

CREATE OR REPLACE FUNCTION mart.week_start(period_id integer)
 RETURNS date
 LANGUAGE sql
 IMMUTABLE PARALLEL SAFE STRICT
RETURN ((date_trunc('week'::text, (make_date((period_id / 100), 1, 4))::timestamp without time zone))::date + (((period_id % 100) - 1) * 7))
;

CREATE OR REPLACE FUNCTION staging.day_state(first_date date, last_date date, files text[], order_file text)
 RETURNS TABLE(load_date date, state text, missing_files text[], is_stale boolean)
 LANGUAGE sql
 STABLE
AS $function$
    select
        calendar.day::date,
        case
            when day.outcome = 'failed' then 'failed'
            when mart.is_stale then 'stale'
            when lacking.files = '{}' then 'loaded'
            when day.outcome = 'no_increment' then 'no_increment'
            else 'missing'
        end,
        lacking.files,
        mart.is_stale
    from generate_series(first_date::timestamp, last_date::timestamp, interval '1 day') as calendar (day)
    left join staging.day_load as day
        on day.load_date = calendar.day::date
            and not day.is_history
    left join staging.file_load as orders
        on orders.load_date = calendar.day::date
            and orders.file = order_file
    cross join lateral (
        select orders.mart_delivery_number is distinct from orders.delivery_number as is_stale
    ) as mart
    cross join lateral (
        select array(
            select needed.file
            from unnest(files) with ordinality as needed (file, place)
            where needed.file <> all (coalesce(day.accepted_missing, '{}'))
                and not exists (
                    select from staging.file_load as staged
                    where staged.load_date = calendar.day::date
                        and staged.file = needed.file
                )
            order by needed.place
        ) as files
    ) as lacking
    order by calendar.day
$function$
;

CREATE OR REPLACE FUNCTION staging.may_hold_name(raw text, column_name text, customer_id bigint, names text[])
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
RETURN ((column_name IS NULL) OR (column_name <> ALL (ARRAY['first_name'::text, 'last_name'::text, 'item_id'::text, 'item_name'::text, 'quantity'::text, 'payment_amount'::text, 'status'::text])) OR (raw ~ format('(^|\D)0*%s(\D|$)'::text, ltrim((customer_id)::text, '-'::text))) OR (EXISTS (SELECT FROM unnest(may_hold_name.names) name(name) WHERE (POSITION((lower(name.name)) IN (lower(replace(may_hold_name.raw, '""'::text, '"'::text)))) > 0))))
;

create view mart.f_customer_retention as
 SELECT 'weekly'::text AS period_name,
    period_id,
    mart.week_start(period_id) AS period_start,
    COALESCE(sum(customers_by_first_item) FILTER (WHERE shipped_orders = 1), 0::numeric)::bigint AS new_customers_count,
    COALESCE(sum(customers_by_first_item) FILTER (WHERE shipped_orders = 2), 0::numeric)::bigint AS returning_customers_count,
    COALESCE(sum(customers_by_first_item) FILTER (WHERE has_refund), 0::numeric)::bigint AS refunded_customers_count,
    COALESCE(sum(revenue) FILTER (WHERE shipped_orders = 1), 0.00) AS new_customers_revenue,
    COALESCE(sum(revenue) FILTER (WHERE shipped_orders = 2), 0.00) AS returning_customers_revenue,
    COALESCE(sum(revenue) FILTER (WHERE has_refund), 0.00) AS refunded_customers_revenue,
    COALESCE(sum(refunded) FILTER (WHERE shipped_orders = 1), 0::numeric)::bigint AS new_customers_refunded,
    COALESCE(sum(refunded) FILTER (WHERE shipped_orders = 2), 0::numeric)::bigint AS returning_customers_refunded,
    COALESCE(sum(refunded) FILTER (WHERE has_refund), 0::numeric)::bigint AS refunded_customers_refunded
   FROM mart.retention_week_item_now
  GROUP BY period_id
 HAVING sum(customers) > 0::numeric;

create view mart.f_customer_retention_by_item as
 SELECT 'weekly'::text AS period_name,
    period_id,
    mart.week_start(period_id) AS period_start,
    item_id,
    COALESCE(sum(customers) FILTER (WHERE shipped_orders = 1), 0::numeric)::bigint AS new_customers_count,
    COALESCE(sum(customers) FILTER (WHERE shipped_orders = 2), 0::numeric)::bigint AS returning_customers_count,
    COALESCE(sum(customers) FILTER (WHERE has_refund), 0::numeric)::bigint AS refunded_customers_count,
    COALESCE(sum(revenue) FILTER (WHERE shipped_orders = 1), 0.00) AS new_customers_revenue,
    COALESCE(sum(revenue) FILTER (WHERE shipped_orders = 2), 0.00) AS returning_customers_revenue,
    COALESCE(sum(revenue) FILTER (WHERE has_refund), 0.00) AS refunded_customers_revenue,
    COALESCE(sum(refunded) FILTER (WHERE shipped_orders = 1), 0::numeric)::bigint AS new_customers_refunded,
    COALESCE(sum(refunded) FILTER (WHERE shipped_orders = 2), 0::numeric)::bigint AS returning_customers_refunded,
    COALESCE(sum(refunded) FILTER (WHERE has_refund), 0::numeric)::bigint AS refunded_customers_refunded
   FROM mart.retention_week_item_now
  GROUP BY period_id, item_id
 HAVING sum(customers) > 0::numeric;

create view mart.retention_week_item_now as
 SELECT week_item.period_id,
    week_item.item_id,
    week_item.shipped_orders,
    week_item.has_refund,
    week_item.customers,
    week_item.customers_by_first_item,
    week_item.revenue,
    week_item.refunded
   FROM mart.retention_week_item week_item
  WHERE NOT (EXISTS ( SELECT
           FROM mart.retention_stale_week stale
          WHERE stale.period_id = week_item.period_id))
UNION ALL
 SELECT categorised.period_id,
    categorised.item_id,
    categorised.shipped_orders,
    categorised.has_refund,
    count(*) AS customers,
    count(*) FILTER (WHERE categorised.is_first_item) AS customers_by_first_item,
    sum(categorised.revenue) AS revenue,
    sum(categorised.refunded)::bigint AS refunded
   FROM ( SELECT customer_item.period_id,
            customer_item.item_id,
            LEAST(sum(customer_item.shipped) OVER customer, 2::numeric)::smallint AS shipped_orders,
            sum(customer_item.refunded) OVER customer > 0::numeric AS has_refund,
            row_number() OVER (customer ORDER BY customer_item.item_id) = 1 AS is_first_item,
            customer_item.revenue,
            customer_item.refunded
           FROM ( SELECT stale.period_id,
                    fact.customer_id,
                    fact.item_id,
                    count(*) FILTER (WHERE fact.status = 'shipped'::text) AS shipped,
                    count(*) FILTER (WHERE fact.status = 'refunded'::text) AS refunded,
                    sum(fact.payment_amount) AS revenue
                   FROM mart.retention_stale_week stale
                     JOIN mart.f_sales fact ON fact.date_id >= to_char(mart.week_start(stale.period_id)::timestamp with time zone, 'YYYYMMDD'::text)::integer AND fact.date_id <= to_char((mart.week_start(stale.period_id) + 6)::timestamp with time zone, 'YYYYMMDD'::text)::integer
                  GROUP BY stale.period_id, fact.customer_id, fact.item_id) customer_item
          WINDOW customer AS (PARTITION BY customer_item.period_id, customer_item.customer_id)) categorised
  GROUP BY categorised.period_id, categorised.item_id, categorised.shipped_orders, categorised.has_refund;

create view staging.order_fact as
 SELECT uniq_id,
    status,
    to_char(date_time, 'YYYYMMDD'::text)::integer AS date_id,
    item_id,
    customer_id,
    city_id,
    quantity,
        CASE status
            WHEN 'refunded'::text THEN - abs(payment_amount)
            ELSE payment_amount
        END::numeric(18,2) AS payment_amount,
    load_date,
    is_history
   FROM staging.user_order_log;
