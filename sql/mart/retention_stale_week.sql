-- Computes the weeks that are marked as stale anew, by week and by item, and takes the marks away: those whose facts
-- somebody has changed by hand.
-- One statement, hence one view of the facts: a mark that somebody makes meanwhile, by hand, stays.
with stale as materialized (
    select
        period_id,
        marked_at
    from mart.retention_stale_week
),

current_week as materialized (
    select week.*
    from stale
    cross join lateral (
        select *
        from mart.f_customer_retention_definition as definition
        where definition.period_id = stale.period_id
        -- Week by week, by the index.
        offset 0
    ) as week
),

current_week_item as materialized (
    select week_item.*
    from stale
    cross join lateral (
        select *
        from mart.f_customer_retention_by_item_definition as definition
        where definition.period_id = stale.period_id
        -- Week by week, by the index.
        offset 0
    ) as week_item
),

emptied_week as (
    delete from mart.retention_week as week
    using stale
    where week.period_id = stale.period_id
        and not exists (select from current_week where current_week.period_id = week.period_id)
),

emptied_week_item as (
    delete from mart.retention_week_item as week_item
    using stale
    where week_item.period_id = stale.period_id
        and not exists (
            select from current_week_item
            where current_week_item.period_id = week_item.period_id
                and current_week_item.item_id = week_item.item_id
        )
),

written_week as (
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
    where week is distinct from excluded
),

written_week_item as (
    insert into mart.retention_week_item as week_item
    select *
    from current_week_item
    on conflict (period_id, item_id) do update set
        new_customers_count = excluded.new_customers_count,
        returning_customers_count = excluded.returning_customers_count,
        refunded_customers_count = excluded.refunded_customers_count,
        new_customers_revenue = excluded.new_customers_revenue,
        returning_customers_revenue = excluded.returning_customers_revenue,
        refunded_customers_revenue = excluded.refunded_customers_revenue,
        new_customers_refunded = excluded.new_customers_refunded,
        returning_customers_refunded = excluded.returning_customers_refunded,
        refunded_customers_refunded = excluded.refunded_customers_refunded
    where week_item is distinct from excluded
)

delete from mart.retention_stale_week as mark
using stale
where mark.period_id = stale.period_id
    and mark.marked_at = stale.marked_at;
