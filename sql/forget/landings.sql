-- The landing directories that were seen in the last 30 days. $1 the instant at which the customers were forgotten
select
    host,
    directory,
    pruned_at,
    files_removed::float8 as files_removed,
    pruned_at >= $1::timestamptz as is_pruned,
    expected_by > clock_timestamp() as is_alive
from staging.landing
where pruned_at > clock_timestamp() - interval '30 days'
order by host, directory;
