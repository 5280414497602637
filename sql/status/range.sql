-- The dates between which anything is known of increments.
select
    min(load_date) as first_date,
    max(load_date) as last_date
from staging.day_load
where not is_history;
