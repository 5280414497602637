-- The sessions that hold, or wait first for, what a session waits for. $1 its process id
select
    blocker.pid,
    activity.application_name as application,
    round(extract(epoch from clock_timestamp() - activity.xact_start))::integer as seconds
from unnest(pg_blocking_pids($1)) as blocker (pid)
left join pg_stat_activity as activity using (pid)
order by blocker.pid;
