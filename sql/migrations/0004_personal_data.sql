-- Forgetting customers: their names go, their orders stay.

create table staging.forgotten_customer (
    customer_id bigint primary key,
    forgotten_at timestamptz not null default clock_timestamp(),
    forgotten_by text not null default session_user,
    staged_rows bigint not null,
    mart_rows bigint not null,
    rejected_rows bigint not null
);

-- Whether the text of a rejected row may hold the name of a customer: an order may have strayed into any file. It is kept
-- only if its own customer id was read, which is so when a column behind it was found bad, and if neither the id nor one
-- of the names stands anywhere in it.
create function staging.may_hold_name(
    raw text, column_name text, columns_behind_customer text[], customer_id bigint, names text[]
) returns boolean
    language sql immutable
    return column_name is null
        or column_name <> all (columns_behind_customer)
        or raw ~ format('(^|\D)0*%s(\D|$)', ltrim(customer_id::text, '-'))
        or exists (
            select from unnest(names) as name
            -- A quote in a CSV field is doubled.
            where position(lower(name) in lower(replace(raw, '""', '"'))) > 0
        );

-- The planner's statistics hold frequent values of a column. Names are kept out of them.
alter table staging.user_order_log alter column first_name set statistics 0, alter column last_name set statistics 0;
alter table staging.incoming_user_order_log
    alter column first_name set statistics 0, alter column last_name set statistics 0;
alter table mart.d_customer alter column first_name set statistics 0, alter column last_name set statistics 0;
alter table staging.rejected_row alter column raw set statistics 0;
alter table staging.incoming_rejected alter column raw set statistics 0;

create table staging.landing (
    host text not null,
    directory text not null,
    pruned_at timestamptz not null,
    expected_by timestamptz not null,
    files_removed bigint not null,
    primary key (host, directory)
);
