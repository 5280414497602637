-- The rejected rows of the newest load, from the session's table `rejected`. $1 load_date, $2 file
insert into staging.rejected_row (load_date, file, line, column_name, rule, reason, raw)
select $1, $2, line, column_name, rule, reason, raw
from rejected;
