-- The landing directories that were seen in the last 30 days. $1 an instant, null: now
select
    task_queue,
    host,
    pruned_at,
    files_removed::float8 as files_removed,
    days_in_use::text[] as days_in_use,
    pruned_at >= $1::timestamptz as is_pruned,
    expected_by > clock_timestamp() as is_alive
from staging.landing
where pruned_at > clock_timestamp() - interval '30 days'
order by task_queue;
