-- The schema as the migrations leave it: for reading, never run.
-- Renew it with: npm run docs

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
    period_id integer not null,
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
    newest_order_at timestamp without time zone,
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

create table staging.incoming_customer_research (
    delivery_number bigint not null,
    ordinal bigint not null,
    date_id timestamp without time zone not null,
    category_id bigint not null,
    geo_id bigint not null,
    sales_qty bigint not null,
    sales_amt numeric(18,2) not null,
    constraint incoming_customer_research_pkey PRIMARY KEY (delivery_number, ordinal)
);

create table staging.incoming_price_log (
    delivery_number bigint not null,
    ordinal bigint not null,
    name text collate "C" not null,
    price numeric(18,2) not null,
    constraint incoming_price_log_pkey PRIMARY KEY (delivery_number, ordinal)
);

create table staging.incoming_rejected (
    delivery_number bigint not null,
    line bigint not null,
    column_name text,
    rule text not null,
    reason text not null,
    raw text not null,
    constraint incoming_rejected_pkey PRIMARY KEY (delivery_number, line)
);

create table staging.incoming_user_activity_log (
    delivery_number bigint not null,
    ordinal bigint not null,
    id bigint,
    uniq_id text collate "C" not null,
    date_time timestamp without time zone not null,
    action_id bigint not null,
    customer_id bigint not null,
    quantity bigint not null,
    constraint incoming_user_activity_log_pkey PRIMARY KEY (delivery_number, ordinal)
);

create table staging.incoming_user_order_log (
    delivery_number bigint not null,
    ordinal bigint not null,
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
    status text collate "C" not null,
    constraint incoming_user_order_log_pkey PRIMARY KEY (delivery_number, ordinal)
);

create table staging.landed_file (
    delivery_number bigint not null,
    load_date date not null,
    file text collate "C" not null,
    sha256 text not null,
    bytes bigint not null,
    rows_read bigint not null,
    rows_rejected bigint not null,
    warnings text[] not null,
    landed_at timestamp with time zone default clock_timestamp() not null,
    constraint landed_file_pkey PRIMARY KEY (delivery_number)
);

create table staging.landing (
    host text not null,
    directory text not null,
    pruned_at timestamp with time zone not null,
    expected_by timestamp with time zone not null,
    files_removed bigint not null,
    constraint landing_pkey PRIMARY KEY (host, directory)
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

CREATE OR REPLACE FUNCTION staging.may_hold_name(raw text, column_name text, columns_behind_customer text[], customer_id bigint, names text[])
 RETURNS boolean
 LANGUAGE sql
 IMMUTABLE
RETURN ((column_name IS NULL) OR (column_name <> ALL (columns_behind_customer)) OR (raw ~ format('(^|\D)0*%s(\D|$)'::text, ltrim((customer_id)::text, '-'::text))) OR (EXISTS (SELECT FROM unnest(may_hold_name.names) name(name) WHERE (POSITION((lower(name.name)) IN (lower(replace(may_hold_name.raw, '""'::text, '"'::text)))) > 0))))
;

create view mart.f_customer_retention as
 WITH customer_week AS (
         SELECT calendar.period_id,
            calendar.week_start AS period_start,
            fact.customer_id,
            count(*) FILTER (WHERE fact.status = 'shipped'::text) AS shipped,
            count(*) FILTER (WHERE fact.status = 'refunded'::text) AS refunded,
            sum(fact.payment_amount) AS revenue
           FROM mart.f_sales fact
             JOIN mart.d_calendar calendar USING (date_id)
          GROUP BY calendar.period_id, calendar.week_start, fact.customer_id
        )
 SELECT 'weekly'::text AS period_name,
    period_id,
    period_start,
    count(*) FILTER (WHERE shipped = 1) AS new_customers_count,
    count(*) FILTER (WHERE shipped > 1) AS returning_customers_count,
    count(*) FILTER (WHERE refunded > 0) AS refunded_customers_count,
    COALESCE(sum(revenue) FILTER (WHERE shipped = 1), 0.00) AS new_customers_revenue,
    COALESCE(sum(revenue) FILTER (WHERE shipped > 1), 0.00) AS returning_customers_revenue,
    COALESCE(sum(revenue) FILTER (WHERE refunded > 0), 0.00) AS refunded_customers_revenue,
    COALESCE(sum(refunded) FILTER (WHERE shipped = 1), 0::numeric)::bigint AS new_customers_refunded,
    COALESCE(sum(refunded) FILTER (WHERE shipped > 1), 0::numeric)::bigint AS returning_customers_refunded,
    COALESCE(sum(refunded) FILTER (WHERE refunded > 0), 0::numeric)::bigint AS refunded_customers_refunded
   FROM customer_week
  GROUP BY period_id, period_start;

create view mart.f_customer_retention_by_item as
 WITH customer_week_item AS (
         SELECT calendar.period_id,
            calendar.week_start AS period_start,
            fact.customer_id,
            fact.item_id,
            count(*) FILTER (WHERE fact.status = 'refunded'::text) AS refunded,
            sum(fact.payment_amount) AS revenue,
            sum(count(*) FILTER (WHERE fact.status = 'shipped'::text)) OVER customer_week AS shipped_in_week,
            sum(count(*) FILTER (WHERE fact.status = 'refunded'::text)) OVER customer_week AS refunded_in_week
           FROM mart.f_sales fact
             JOIN mart.d_calendar calendar USING (date_id)
          GROUP BY calendar.period_id, calendar.week_start, fact.customer_id, fact.item_id
          WINDOW customer_week AS (PARTITION BY calendar.period_id, calendar.week_start, fact.customer_id)
        )
 SELECT 'weekly'::text AS period_name,
    period_id,
    period_start,
    item_id,
    count(*) FILTER (WHERE shipped_in_week = 1::numeric) AS new_customers_count,
    count(*) FILTER (WHERE shipped_in_week > 1::numeric) AS returning_customers_count,
    count(*) FILTER (WHERE refunded_in_week > 0::numeric) AS refunded_customers_count,
    COALESCE(sum(revenue) FILTER (WHERE shipped_in_week = 1::numeric), 0.00) AS new_customers_revenue,
    COALESCE(sum(revenue) FILTER (WHERE shipped_in_week > 1::numeric), 0.00) AS returning_customers_revenue,
    COALESCE(sum(revenue) FILTER (WHERE refunded_in_week > 0::numeric), 0.00) AS refunded_customers_revenue,
    COALESCE(sum(refunded) FILTER (WHERE shipped_in_week = 1::numeric), 0::numeric)::bigint AS new_customers_refunded,
    COALESCE(sum(refunded) FILTER (WHERE shipped_in_week > 1::numeric), 0::numeric)::bigint AS returning_customers_refunded,
    COALESCE(sum(refunded) FILTER (WHERE refunded_in_week > 0::numeric), 0::numeric)::bigint AS refunded_customers_refunded
   FROM customer_week_item
  GROUP BY period_id, period_start, item_id;

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
