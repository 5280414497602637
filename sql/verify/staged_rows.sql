-- Dates and files of which not so many rows are staged as were loaded. `staged`: the rows of every feed.
select
    case when rows_kept is null then 'missing' else 'different' end as difference,
    load_date,
    file
from staging.file_load
full join (
    select load_date, feed || case when is_history then '' else '_inc' end as file, count(*) as rows
    from staged
    group by load_date, feed, is_history
) as counted using (load_date, file)
where rows_kept is distinct from coalesce(counted.rows, 0)
