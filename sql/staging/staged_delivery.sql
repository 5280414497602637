-- What is staged of a date and file. $1 load_date, $2 file
select
    delivery_number::float8 as delivery_number,
    json_build_object(
        'rows_read', rows_read,
        'rows_kept', rows_kept,
        'rows_duplicate', rows_duplicate,
        'rows_rejected', rows_rejected
    ) as counts,
    warnings
from staging.file_load
where load_date = $1
    and file = $2;
