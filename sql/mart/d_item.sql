-- Adds the items that are new in one delivery; a known item keeps the name first loaded.
-- $1 load_date, $2 is_history
with named_first as (
    select distinct on (item_id)
        item_id,
        item_name
    from staging.user_order_log
    where load_date = $1
        and is_history = $2
    order by item_id, id nulls last, uniq_id, status
)

insert into mart.d_item (item_id, item_name)
select item_id, item_name
from named_first
on conflict (item_id) do nothing;
