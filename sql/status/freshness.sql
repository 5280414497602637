-- How fresh the mart is. Days count from the first one known, and at most 30 back; today's is not due yet.
with due as (
    select
        calendar.day::date as load_date,
        day.outcome
    from generate_series(
        greatest(
            (select min(load_date) from staging.day_load where not is_history),
            current_date - 30
        )::timestamp,
        (current_date - 1)::timestamp,
        interval '1 day'
    ) as calendar (day)
    left join staging.day_load as day
        on day.load_date = calendar.day::date
            and not day.is_history
)

select
    (
        select extract(epoch from now() - (max(load_date) + 1)::timestamp at time zone 'UTC')
        from staging.day_load
        where outcome = 'loaded'
            and not is_history
    ) as newest_loaded_age_seconds,
    (select count(*) from due where outcome is null) as days_missing,
    (select count(*) from due where outcome = 'failed') as days_failed;
