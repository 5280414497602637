-- Adds the items that are new in one delivery; a known item keeps the name first loaded.
-- $1 load_date, $2 is_history
insert into mart.d_item (item_id, item_name)
select distinct on (item_id)
    item_id,
    item_name
from (
    select
        item_id,
        item_name,
        min(id) as id
    from staging.user_order_log
    where load_date = $1
        and is_history = $2
    group by item_id, item_name
) as named
order by item_id, id nulls last, item_name collate "C"
on conflict (item_id) do nothing;
