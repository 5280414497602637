-- How many rows are staged of each date and file. `staged`: the rows of every feed.
select
    load_date,
    file,
    coalesce(staged_rows, 0) as rows_kept
from staging.file_load
full join (
    select load_date, feed || case when is_history then '' else '_inc' end as file, count(*) as staged_rows
    from staged
    group by load_date, feed, is_history
) as counted using (load_date, file)
