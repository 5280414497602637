-- The staging layer: every delivered increment, under the date that it was delivered for.
--
-- is_history marks the full report. It is staged under its start_day, and every increment is newer than it,
-- whatever the dates are; an increment of that same day has its own rows beside it. What the other tables and columns
-- mean: sql/comments/staging.sql.
--
-- Keys are compared byte by byte (collate "C"): ids are not words, and it sorts several times faster.

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

-- For the last order that customers still have when a redelivery has taken it away. It begins with the date, as the key
-- does, so that a day writes to the newest pages only, however long history is.
create index user_order_log_customer on staging.user_order_log (load_date, customer_id);

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

create sequence staging.delivery_number;

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
    warnings text[] not null default '{}',
    workflow_id text not null,
    run_id text not null,
    attempt integer not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    volume_warning text,
    newest_order_at timestamp,
    primary key (load_date, file),
    check (rows_read = rows_kept + rows_duplicate + rows_rejected)
);

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

create table staging.day_load (
    load_date date not null,
    is_history boolean not null default false,
    outcome text not null check (outcome in ('loaded', 'no_increment', 'failed')),
    error text,
    error_type text,
    revenue numeric,
    accepted_missing text[] not null default '{}',
    not_found text,
    not_found_number bigint,
    -- Failures of newer deliveries that nothing has answered, while what was loaded before stays; of a refused file at most
    -- one, which begins with its name.
    failed_deliveries text[] not null default '{}',
    number bigint not null,
    workflow_id text not null,
    run_id text not null,
    started_at timestamptz not null,
    finished_at timestamptz not null,
    primary key (load_date, is_history)
);

-- The state of every date of a range, derived from what is staged and what the mart shows. files: what a date needs;
-- order_file: the one that the facts are made of.
create function staging.day_state(first_date date, last_date date, files text[], order_file text)
    returns table (load_date date, state text, missing_files text[], is_stale boolean)
    language sql stable
as $$
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
$$;

create table staging.day_claim (
    claim text primary key,
    workflow_id text not null,
    run_id text not null,
    files text[],
    claimed_at timestamptz not null
);

create table staging.backfill_day (
    workflow_id text not null,
    load_date date not null,
    outcome text not null check (outcome in ('loaded', 'no_increment', 'failed')),
    error text,
    recorded_at timestamptz not null default now(),
    primary key (workflow_id, load_date)
);

create table staging.landed_file (
    delivery_number bigint primary key,
    load_date date not null,
    file text collate "C" not null,
    sha256 text not null,
    bytes bigint not null,
    rows_read bigint not null,
    rows_rejected bigint not null,
    warnings text[] not null,
    landed_at timestamptz not null default clock_timestamp()
);

-- Their good rows, a table for each feed. ordinal = the row's number in the file.
do $$
declare
    feed text;
begin
    foreach feed in array array['user_order_log', 'user_activity_log', 'customer_research', 'price_log'] loop
        execute format('create table staging.incoming_%1$s (delivery_number bigint not null, ordinal bigint not null,
            like staging.%1$s, primary key (delivery_number, ordinal))', feed);
        execute format('alter table staging.incoming_%s drop column load_date, drop column is_history', feed);
    end loop;
end
$$;

-- And their bad ones.
create table staging.incoming_rejected (
    delivery_number bigint not null,
    line bigint not null,
    column_name text,
    rule text not null,
    reason text not null,
    raw text not null,
    primary key (delivery_number, line)
);
