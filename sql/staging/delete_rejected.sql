-- The rejected rows of a date and file are those of its newest load. $1 load_date, $2 file
delete from staging.rejected_row
where load_date = $1
    and file = $2;
