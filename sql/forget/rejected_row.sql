-- Removes the text of rejected rows, loaded or landed, that may hold the customer's name.
-- $1 customer_id, $2 the names of that customer until now, $3 by file: the columns behind the customer's id
with file_columns as (
    select
        file,
        array(select jsonb_array_elements_text(columns)) as columns
    from jsonb_each($3::jsonb) as files (file, columns)
),

removed as (
    update staging.rejected_row as rejected set raw = ''
    from file_columns
    where file_columns.file = rejected.file
        and raw <> ''
        and staging.may_hold_name(raw, column_name, file_columns.columns, $1, $2)
    returning 1
),

removed_landed as (
    update staging.incoming_rejected as rejected set raw = ''
    from staging.landed_file as landed
    inner join file_columns using (file)
    where landed.delivery_number = rejected.delivery_number
        and raw <> ''
        and staging.may_hold_name(raw, column_name, file_columns.columns, $1, $2)
)

select count(*)::float8 as rows
from removed;
