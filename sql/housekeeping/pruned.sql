-- Records that a landing directory was pruned.
-- $1 host, $2 directory, $3 when it began, $4 milliseconds until the next time, $5 files removed
insert into staging.landing as landing (host, directory, pruned_at, expected_by, files_removed)
values ($1, $2, $3, clock_timestamp() + interval '10 seconds' + 2 * $4::float8 * interval '1 millisecond', $5)
on conflict (host, directory) do update set
    pruned_at = greatest(landing.pruned_at, excluded.pruned_at),
    expected_by = excluded.expected_by,
    files_removed = landing.files_removed + excluded.files_removed;
