-- The dates between which anything is known of increments. $1 the files of an increment
select
    min(load_date) as first_date,
    max(load_date) as last_date
from (
    select load_date from staging.day_load where not is_history
    union all
    -- Of a run that ended before it had an outcome.
    select load_date from staging.file_load where file = any ($1)
) as known;
