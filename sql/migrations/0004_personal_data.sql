-- Forgetting customers: their names go, their orders stay.

-- The customers without a name. Whatever is loaded is cleared of their names on its way in. It is the audit of
-- forgetting as well: who was forgotten when and by whom, and in how many rows; a second time adds to the counts.
create table staging.forgotten_customer (
    customer_id bigint primary key,
    forgotten_at timestamptz not null default clock_timestamp(),
    forgotten_by text not null default session_user,
    staged_rows bigint not null,
    mart_rows bigint not null,
    rejected_rows bigint not null
);

-- Whether the text of a rejected order may hold the name of a customer. It is kept only if its customer id was read,
-- which is so when a later column was found bad, and if neither that id nor one of the names stands anywhere in it.
create function staging.may_hold_name(raw text, column_name text, customer_id bigint, names text[]) returns boolean
    language sql immutable
    return column_name is null
        or column_name not in
            ('first_name', 'last_name', 'item_id', 'item_name', 'quantity', 'payment_amount', 'status')
        or raw ~ format('(^|\D)0*%s(\D|$)', ltrim(customer_id::text, '-'))
        or exists (
            select from unnest(names) as name
            -- A quote in a CSV field is doubled.
            where position(lower(name) in lower(replace(raw, '""', '"'))) > 0
        );

-- The landing directories, each by the task queue of the workers that see it.
create table staging.landing (
    task_queue text primary key,
    host text not null,
    -- When the newest pruning that is complete began, and when there should be another one if a worker is alive.
    pruned_at timestamptz not null,
    expected_by timestamptz not null,
    -- Ever since.
    files_removed bigint not null,
    -- Days whose landed orders were in use.
    days_in_use date[] not null
);
