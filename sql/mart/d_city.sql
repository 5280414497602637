-- Adds the cities that are new in one delivery; a known city keeps the name first loaded.
-- $1 load_date, $2 is_history
with named_first as (
    select distinct on (city_id)
        city_id,
        city_name
    from staging.user_order_log
    where load_date = $1
        and is_history = $2
    order by city_id, id nulls last, uniq_id, status
)

insert into mart.d_city (city_id, city_name)
select city_id, city_name
from named_first
on conflict (city_id) do nothing;
