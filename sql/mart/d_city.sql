-- Adds the cities that are new in one delivery; a known city keeps the name first loaded.
-- $1 load_date, $2 is_history
insert into mart.d_city (city_id, city_name)
select distinct on (city_id)
    city_id,
    city_name
from (
    select
        city_id,
        city_name,
        min(id) as id
    from staging.user_order_log
    where load_date = $1
        and is_history = $2
    group by city_id, city_name
) as named
order by city_id, id nulls last, city_name collate "C"
on conflict (city_id) do nothing;
