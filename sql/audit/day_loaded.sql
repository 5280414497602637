-- The outcome of a date that is in the mart now, with the delivery of its orders and their revenue.
-- $1 load_date, $2 is_history, $3 the file of orders, $4 accepted_missing, $5 workflow_id, $6 run_id, $7 started_at
insert into staging.day_load (
    load_date, is_history, outcome, order_delivery, revenue, accepted_missing, workflow_id, run_id, started_at,
    finished_at
)
values (
    $1,
    $2,
    'loaded',
    (select delivery from staging.file_load where load_date = $1 and file = $3),
    (
        select coalesce(sum(case status when 'refunded' then -abs(payment_amount) else payment_amount end), 0)
        from staging.user_order_log
        where load_date = $1
            and is_history = $2
    ),
    $4,
    $5,
    $6,
    $7,
    clock_timestamp()
)
on conflict (load_date, is_history) do update set
    outcome = excluded.outcome,
    error = null,
    error_type = null,
    order_delivery = excluded.order_delivery,
    revenue = excluded.revenue,
    accepted_missing = excluded.accepted_missing,
    workflow_id = excluded.workflow_id,
    run_id = excluded.run_id,
    started_at = excluded.started_at,
    finished_at = excluded.finished_at;
