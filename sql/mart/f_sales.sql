-- Carries out what `fact_lost` and `fact_gained` hold. Retention moves along in the same transaction, by
-- `retention.sql`: its weeks need not be marked as stale.
set local mart.retention_follows = on;

delete from mart.f_sales as fact
using fact_lost
where fact.uniq_id = fact_lost.uniq_id
    and fact.status = fact_lost.status;

insert into mart.f_sales
select * from fact_gained;

set local mart.retention_follows = off;
