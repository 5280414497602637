-- Loaded dates whose revenue is not the sum of their orders' payments, refunds negative; and what it should be.
select
    'different' as difference,
    load_date,
    is_history,
    coalesce(sum(payment_amount), 0) as revenue
from staging.day_load as day
left join staging.order_fact using (load_date, is_history)
where outcome = 'loaded'
group by load_date, is_history, day.revenue
having day.revenue <> coalesce(sum(payment_amount), 0)
