-- Records that a landing directory was pruned.
-- $1 task queue, $2 host, $3 when it began, $4 milliseconds until the next time, $5 files removed, $6 days in use
insert into staging.landing as landing (task_queue, host, pruned_at, expected_by, files_removed, days_in_use)
values (
    $1, $2, $3,
    clock_timestamp() + interval '10 seconds' + 2 * $4::float8 * interval '1 millisecond',
    $5, $6
)
on conflict (task_queue) do update set
    host = excluded.host,
    pruned_at = greatest(landing.pruned_at, excluded.pruned_at),
    expected_by = excluded.expected_by,
    files_removed = landing.files_removed + excluded.files_removed,
    days_in_use = excluded.days_in_use;
