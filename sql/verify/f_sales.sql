-- For each (uniq_id, status) the delivery with the newest load_date; every increment is newer than history.
select distinct on (uniq_id, status) *
from staging.order_fact
order by uniq_id, status, is_history, load_date desc
