-- Brings the weeks whose facts have changed up to date; only those are computed.
with stale as materialized (
    select period_id
    from mart.retention_stale_week
),

current_week as materialized (
    select week.*
    from stale
    cross join lateral mart.retention_in_week(stale.period_id) as week
),

emptied as (
    delete from mart.retention_week as week
    using stale
    where week.period_id = stale.period_id
        and not exists (select from current_week where current_week.period_id = week.period_id)
)

insert into mart.retention_week as week
select *
from current_week
on conflict (period_id) do update set
    new_customers_count = excluded.new_customers_count,
    returning_customers_count = excluded.returning_customers_count,
    refunded_customers_count = excluded.refunded_customers_count,
    new_customers_revenue = excluded.new_customers_revenue,
    returning_customers_revenue = excluded.returning_customers_revenue,
    refunded_customers_revenue = excluded.refunded_customers_revenue,
    new_customers_refunded = excluded.new_customers_refunded,
    returning_customers_refunded = excluded.returning_customers_refunded,
    refunded_customers_refunded = excluded.refunded_customers_refunded
where week is distinct from excluded;
