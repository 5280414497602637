-- Whether any customer is forgotten, and when the newest runs of the days $1 ended.
select
    clock_timestamp()::text as now,
    exists (select from staging.forgotten_customer) as any_forgotten,
    coalesce(
        (
            select json_object_agg(load_date, finished_ms)
            from (
                select
                    load_date,
                    extract(epoch from max(finished_at)) * 1000 as finished_ms
                from staging.day_load
                where load_date = any ($1::date[])
                group by load_date
            ) as days
        ),
        '{}'
    ) as finished;
