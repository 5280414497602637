-- Carries out what `fact_lost` and `fact_gained` hold. Retention moves along in the same transaction, by
-- `retention.sql`: its weeks need not be marked as stale.
set local mart.retention_follows = on;

delete from mart.f_sales as fact
using fact_lost
where fact.uniq_id = fact_lost.uniq_id
    and fact.status = fact_lost.status;

insert into mart.f_sales (
    uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
)
select
    uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
from fact_gained;

set local mart.retention_follows = off;
