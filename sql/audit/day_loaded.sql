-- Records that a date is loaded when it is: all files that it needs are staged, and the mart shows its orders as of
-- this transaction. Returns the files that are still missing, none when it is loaded.
-- $1 load_date, $2 is_history, $3 the files of the delivery, $4 the file of orders, $5 the files that the run went
-- without (null: it was about some files only), $6 number, $7 workflow_id, $8 run_id, $9 started_at, $10 the files that the
-- run has loaded
with shown as (
    update staging.file_load
    set mart_delivery_number = delivery_number
    where load_date = $1
        and file = $4
),

staged as (
    select file
    from staging.file_load
    where load_date = $1
        and file = any ($3::text[])
),

accepted as (
    select file
    from unnest($5::text[]) as file
    union
    select file
    from staging.day_load as day
    cross join unnest(day.accepted_missing) as file
    where $5::text[] is null
        and day.load_date = $1
        and day.is_history = $2
        and file not in (select file from staged)
),

missing as (
    select file
    from unnest($3::text[]) as file
    where file not in (select file from staged)
        and file not in (select file from accepted)
),

loaded as (
    insert into staging.day_load as day (
        load_date, is_history, outcome, revenue, accepted_missing, number, workflow_id, run_id, started_at,
        finished_at
    )
    select
        $1,
        $2,
        'loaded',
        (
            select coalesce(sum(payment_amount), 0)
            from staging.order_fact
            where load_date = $1
                and is_history = $2
        ),
        array(select file from accepted order by file),
        $6,
        $7,
        $8,
        $9,
        clock_timestamp()
    where not exists (select from missing)
    on conflict (load_date, is_history) do update set
        outcome = excluded.outcome,
        error = null,
        error_type = null,
        revenue = excluded.revenue,
        accepted_missing = excluded.accepted_missing,
        -- A run of the whole date answers both. One of some files answers only the refusal of one of these.
        not_found = case when $5::text[] is null then day.not_found end,
        failed_deliveries = array(
            select earlier
            from unnest(
                day.failed_deliveries
                || case when day.outcome = 'failed' and day.error_type <> 'Cancelled' then day.error end
            ) as earlier
            where $5::text[] is null
                and split_part(earlier, ' of ', 1) <> all ($10::text[])
        ),
        (number, workflow_id, run_id, started_at, finished_at)
            = (excluded.number, excluded.workflow_id, excluded.run_id, excluded.started_at, excluded.finished_at)
    where day.number <= excluded.number
)

select array(select file from missing) as missing;
