-- Weekly customer retention. A customer's category is decided by the whole week's orders:
-- new (exactly one shipped order), returning (more than one), refunded (any refund; beside one of the others).
--
-- A table holds sums for every week; a load moves them along with the facts, in its own transaction. A week whose facts
-- anybody else has changed (a trigger knows) is stale: the views compute it from its facts until the next load has
-- brought the table up to date. So they are fast at any size and exact at all times.

create function mart.week_of(date_id integer) returns integer
    language sql immutable strict parallel safe
    return date_part('isoyear', make_date(date_id / 10000, date_id / 100 % 100, date_id % 100))::integer * 100
        + date_part('week', make_date(date_id / 10000, date_id / 100 % 100, date_id % 100))::integer;

create function mart.week_start(period_id integer) returns date
    language sql immutable strict parallel safe
    -- The 4th of January lies in week 1 of its ISO year.
    return date_trunc('week', make_date(period_id / 100, 1, 4)::timestamp)::date + (period_id % 100 - 1) * 7;

-- The customers of a week who ordered an item, by what they did in the whole week.
create table mart.retention_week_item (
    period_id integer not null,
    item_id bigint not null,
    -- Shipped orders in the week: 0, 1, or 2 for more.
    shipped_orders smallint not null,
    has_refund boolean not null,
    customers bigint not null,
    -- Those of them whose first item of the week this is: over all items, each customer counts once.
    customers_by_first_item bigint not null,
    revenue numeric not null,
    refunded bigint not null,
    primary key (period_id, item_id, shipped_orders, has_refund)
);

-- The weeks whose facts have been changed by anything else than a load.
create table mart.retention_stale_week (
    period_id integer primary key
);

-- Every week as of now. No function: it would run with the rights of the reader, who needs none but to select from
-- the two views below.
create view mart.retention_week_item_now as
select week_item.*
from mart.retention_week_item as week_item
where not exists (
    select from mart.retention_stale_week as stale
    where stale.period_id = week_item.period_id
)
union all
select
    period_id,
    item_id,
    shipped_orders,
    has_refund,
    count(*) as customers,
    count(*) filter (where is_first_item) as customers_by_first_item,
    sum(revenue) as revenue,
    sum(refunded)::bigint as refunded
from (
    select
        period_id,
        item_id,
        least(sum(shipped) over customer, 2)::smallint as shipped_orders,
        sum(refunded) over customer > 0 as has_refund,
        row_number() over (customer order by item_id) = 1 as is_first_item,
        revenue,
        refunded
    from (
        select
            stale.period_id,
            fact.customer_id,
            fact.item_id,
            count(*) filter (where fact.status = 'shipped') as shipped,
            count(*) filter (where fact.status = 'refunded') as refunded,
            sum(fact.payment_amount) as revenue
        from mart.retention_stale_week as stale
        inner join mart.f_sales as fact
            on fact.date_id between to_char(mart.week_start(stale.period_id), 'YYYYMMDD')::integer
                and to_char(mart.week_start(stale.period_id) + 6, 'YYYYMMDD')::integer
        group by stale.period_id, fact.customer_id, fact.item_id
    ) as customer_item
    window customer as (partition by period_id, customer_id)
) as categorised
group by period_id, item_id, shipped_orders, has_refund;

create view mart.f_customer_retention as
select
    'weekly'::text as period_name,
    period_id,
    mart.week_start(period_id) as period_start,
    coalesce(sum(customers_by_first_item) filter (where shipped_orders = 1), 0)::bigint as new_customers_count,
    coalesce(sum(customers_by_first_item) filter (where shipped_orders = 2), 0)::bigint as returning_customers_count,
    coalesce(sum(customers_by_first_item) filter (where has_refund), 0)::bigint as refunded_customers_count,
    coalesce(sum(revenue) filter (where shipped_orders = 1), 0.00) as new_customers_revenue,
    coalesce(sum(revenue) filter (where shipped_orders = 2), 0.00) as returning_customers_revenue,
    coalesce(sum(revenue) filter (where has_refund), 0.00) as refunded_customers_revenue,
    coalesce(sum(refunded) filter (where shipped_orders = 1), 0)::bigint as new_customers_refunded,
    coalesce(sum(refunded) filter (where shipped_orders = 2), 0)::bigint as returning_customers_refunded,
    coalesce(sum(refunded) filter (where has_refund), 0)::bigint as refunded_customers_refunded
from mart.retention_week_item_now
group by period_id
having sum(customers) > 0;

create view mart.f_customer_retention_by_item as
select
    'weekly'::text as period_name,
    period_id,
    mart.week_start(period_id) as period_start,
    item_id,
    coalesce(sum(customers) filter (where shipped_orders = 1), 0)::bigint as new_customers_count,
    coalesce(sum(customers) filter (where shipped_orders = 2), 0)::bigint as returning_customers_count,
    coalesce(sum(customers) filter (where has_refund), 0)::bigint as refunded_customers_count,
    coalesce(sum(revenue) filter (where shipped_orders = 1), 0.00) as new_customers_revenue,
    coalesce(sum(revenue) filter (where shipped_orders = 2), 0.00) as returning_customers_revenue,
    coalesce(sum(revenue) filter (where has_refund), 0.00) as refunded_customers_revenue,
    coalesce(sum(refunded) filter (where shipped_orders = 1), 0)::bigint as new_customers_refunded,
    coalesce(sum(refunded) filter (where shipped_orders = 2), 0)::bigint as returning_customers_refunded,
    coalesce(sum(refunded) filter (where has_refund), 0)::bigint as refunded_customers_refunded
from mart.retention_week_item_now
group by period_id, item_id
having sum(customers) > 0;

-- `do update`, not `do nothing`: it waits for a load that is just taking the same mark away, and the load for it.
create function mart.mark_changed_weeks() returns trigger
    language plpgsql
as $$
begin
    insert into mart.retention_stale_week (period_id)
    select distinct mart.week_of(date_id)
    from (select distinct date_id from changed) as dates
    on conflict (period_id) do update set period_id = excluded.period_id;
    return null;
end
$$;

create function mart.mark_all_weeks() returns trigger
    language plpgsql
as $$
begin
    insert into mart.retention_stale_week (period_id)
    select distinct period_id from mart.retention_week_item
    on conflict (period_id) do update set period_id = excluded.period_id;
    return null;
end
$$;

-- A load says by this setting, for its own statements alone, that it moves retention along itself.
create trigger f_sales_inserted after insert on mart.f_sales
    referencing new table as changed
    for each statement
    when (current_setting('mart.retention_follows', true) is distinct from 'on')
    execute function mart.mark_changed_weeks();

create trigger f_sales_deleted after delete on mart.f_sales
    referencing old table as changed
    for each statement
    when (current_setting('mart.retention_follows', true) is distinct from 'on')
    execute function mart.mark_changed_weeks();

create trigger f_sales_updated_from after update on mart.f_sales
    referencing old table as changed
    for each statement
    when (current_setting('mart.retention_follows', true) is distinct from 'on')
    execute function mart.mark_changed_weeks();

create trigger f_sales_updated_to after update on mart.f_sales
    referencing new table as changed
    for each statement
    when (current_setting('mart.retention_follows', true) is distinct from 'on')
    execute function mart.mark_changed_weeks();

create trigger f_sales_truncated after truncate on mart.f_sales
    for each statement execute function mart.mark_all_weeks();
