-- How long this transaction waits for a lock. $1 milliseconds
select set_config('lock_timeout', $1, true);
