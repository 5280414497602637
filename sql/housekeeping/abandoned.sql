-- Landed files that nobody has staged for a day: their run was terminated. One that comes back lands them again.
select
    load_date,
    file,
    delivery_number::float8 as delivery_number
from staging.landed_file
where landed_at < clock_timestamp() - interval '1 day';
