-- Removes the landed rows of a date and file that are staged now, or that a newer download has superseded.
-- {feed} is made from domain/feeds.ts. $1 load_date, $2 file, $3 delivery_number
with done as (
    delete from staging.landed_file
    where load_date = $1
        and file = $2
        and delivery_number <= $3
    returning delivery_number
),

rejected as (
    delete from staging.incoming_rejected
    where delivery_number in (select delivery_number from done)
)

delete from staging.incoming_{feed}
where delivery_number in (select delivery_number from done);
