-- The number of the download, or of the question to the report API, that begins now. In a database that was restored or
-- replicated, the sequence can be behind the numbers that are in use: it is drawn from until it has passed them, which,
-- unlike setting it, is safe for any number of sessions at once. $1 how many new numbers are wanted: 1, or 0 to only
-- bring the sequence up to those in use.
select max(nextval('staging.delivery_number'))::float8 as delivery_number
from (
    select
        coalesce(pg_sequence_last_value('staging.delivery_number'::regclass), 0) as drawn,
        greatest(
            (select max(delivery_number) from staging.file_load),
            (select max(delivery_number) from staging.landed_file),
            (select max(number) from staging.day_load)
        ) as used
) as numbers
cross join generate_series(drawn + 1, greatest(drawn, used) + $1::integer);
