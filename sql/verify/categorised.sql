-- The facts of the weeks, each with the orders of its customer in the week.
with date as materialized (
    select distinct date_id
    from fact
),

week as materialized (
    select
        date_id,
        to_char(day, 'IYYYIW')::integer as period_id,
        date_trunc('week', day)::date as period_start
    from date
    cross join lateral cast(to_date(lpad(date_id::text, 8, '0'), 'YYYYMMDD') as timestamp) as day
)

select
    period_id,
    period_start,
    item_id,
    customer_id,
    payment_amount,
    status = 'refunded' as is_refund,
    count(*) filter (where status = 'shipped') over customer_week as shipped,
    count(*) filter (where status = 'refunded') over customer_week as refunded
from fact
inner join week using (date_id)
where period_start + 6 >= (select first_date from range)
    and period_start <= (select last_date from range)
window customer_week as (partition by period_id, customer_id)
