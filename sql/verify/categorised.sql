-- The facts of the weeks, each with what its customer is in the week.
select
    period_id,
    period_start,
    item_id,
    customer_id,
    status,
    payment_amount,
    count(*) filter (where status = 'shipped') over customer_week = 1 as is_new,
    count(*) filter (where status = 'shipped') over customer_week > 1 as is_returning,
    count(*) filter (where status = 'refunded') over customer_week > 0 as is_refunded
from fact
inner join (
    select
        date_id,
        to_char(day, 'IYYYIW')::integer as period_id,
        date_trunc('week', day)::date as period_start
    from (
        select distinct date_id, to_date(date_id::text, 'YYYYMMDD')::timestamp as day
        from fact
    ) as days
) as weeks using (date_id)
where period_start + 6 >= (select first_date from range)
    and period_start <= (select last_date from range)
window customer_week as (partition by period_id, customer_id)
