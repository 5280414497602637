-- What is staged of a date and file. $1 load_date, $2 file
select delivery, rows_read, rows_kept, rows_duplicate, rows_rejected, warnings
from staging.file_load
where load_date = $1
    and file = $2;
