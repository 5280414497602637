-- The rejected rows of a date and file are those of its newest load. $1 load_date, $2 file, $3 delivery_number
insert into staging.rejected_row (load_date, file, line, column_name, rule, reason, raw)
select $1, $2, line, column_name, rule, reason, raw
from staging.incoming_rejected
where delivery_number = $3;
