-- Every date that facts refer to; all else of the calendar is generated from it.
select distinct make_date(date_id / 10000, date_id / 100 % 100, date_id % 100) as date_actual
from fact
where load_date between (select first_date from range) and (select last_date from range)
