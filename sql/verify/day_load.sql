-- The revenue of each loaded date: the sum of the delivered orders' payments, refunds negative.
select
    load_date,
    is_history,
    coalesce(sum(case when status = 'refunded' then -abs(payment_amount) else payment_amount end), 0) as revenue
from staging.day_load
left join staging.user_order_log using (load_date, is_history)
where outcome = 'loaded'
    and revenue is not null
group by load_date, is_history
