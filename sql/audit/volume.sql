-- How many rows the files of a date keep, beside the median of the last 7 loaded days before it, where at least 4 are
-- known. $1 load_date, $2 files
select
    load.file,
    load.rows_kept::float8 as rows_kept,
    usual.median
from staging.file_load as load
cross join lateral (
    select
        percentile_cont(0.5) within group (order by recent.rows_kept) as median,
        count(*) as days
    from (
        select earlier.rows_kept
        from staging.file_load as earlier
        inner join staging.day_load as day
            on day.load_date = earlier.load_date
                and not day.is_history
                and day.outcome = 'loaded'
        where earlier.file = load.file
            and earlier.load_date < load.load_date
        order by earlier.load_date desc
        limit 7
    ) as recent
) as usual
where load.load_date = $1
    and load.file = any ($2::text[])
    and usual.days >= 4
order by load.file;
