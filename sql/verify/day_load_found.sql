select load_date, is_history, revenue
from staging.day_load
where outcome = 'loaded'
    and revenue is not null
