-- Adds the cities, or the items, that are new in one delivery; a known one keeps the name first loaded.
-- {of}: city or item. $1 load_date, $2 is_history
insert into mart.d_{of} ({of}_id, {of}_name)
select distinct on ({of}_id)
    {of}_id,
    {of}_name
from (
    select
        {of}_id,
        {of}_name,
        min(id) as id
    from staging.user_order_log
    where load_date = $1
        and is_history = $2
    group by {of}_id, {of}_name
) as named
order by {of}_id, id nulls last, {of}_name collate "C"
on conflict ({of}_id) do nothing;
