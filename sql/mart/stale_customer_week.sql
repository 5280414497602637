-- Empties the weeks of retention that are marked as stale, and takes the marks away: all their customers are added anew.
-- Marks are taken before the facts are read, and a mark that somebody makes by hand waits for this transaction. So a
-- change that is not seen here leaves a mark.
create temporary table stale_week on commit drop as
select period_id from mart.retention_stale_week with no data;

with taken as (
    delete from mart.retention_stale_week
    returning period_id
)

insert into stale_week
select period_id from taken;

delete from mart.retention_week_item
where period_id in (select period_id from stale_week);

delete from customer_week
where period_id in (select period_id from stale_week);

insert into customer_week
select distinct
    stale_week.period_id,
    fact.customer_id
from stale_week
inner join mart.f_sales as fact
    on fact.date_id between to_char(mart.week_start(stale_week.period_id), 'YYYYMMDD')::integer
        and to_char(mart.week_start(stale_week.period_id) + 6, 'YYYYMMDD')::integer;
