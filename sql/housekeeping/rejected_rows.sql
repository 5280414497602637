-- Removes the rejected rows of loads older than $1 milliseconds; their counts stay in staging.file_load. Rows that a
-- load or another worker is removing are skipped.
delete from staging.rejected_row
where (load_date, file, line) in (
    select rejected.load_date, rejected.file, rejected.line
    from staging.rejected_row as rejected
    inner join staging.file_load as load
        on load.load_date = rejected.load_date
            and load.file = rejected.file
    where load.finished_at < clock_timestamp() - $1::float8 * interval '1 millisecond'
    for update of rejected skip locked
);
