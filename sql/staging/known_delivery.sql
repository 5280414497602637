-- Whether the rows of a download are landed, and what is staged of its date and file.
-- $1 load_date, $2 file, $3 delivery_number
select
    exists (
        select from staging.landed_file
        where delivery_number = $3
            and load_date = $1
            and file = $2
    ) as is_landed,
    staged.delivery_number::float8 as staged_number,
    json_build_object(
        'rows_read', staged.rows_read,
        'rows_kept', staged.rows_kept,
        'rows_duplicate', staged.rows_duplicate,
        'rows_rejected', staged.rows_rejected
    ) as counts,
    staged.warnings
from (select) as this
left join staging.file_load as staged
    on staged.load_date = $1
        and staged.file = $2;
