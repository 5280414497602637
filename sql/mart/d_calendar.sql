-- The calendar holds the dates of facts and no other, whatever was loaded before.
-- $1 date_ids that facts came to, $2 date_ids that facts have left
with left_empty as (
    delete from mart.d_calendar
    where date_id = any ($2::integer[])
        and not mart.has_facts(date_id)
)

insert into mart.d_calendar (date_actual)
select make_date(date_id / 10000, date_id / 100 % 100, date_id % 100)
from unnest($1::integer[]) as date_id
on conflict (date_id) do nothing;
