-- The revenue of each loaded date as its orders have it.
update staging.day_load as day
set revenue = (
    select coalesce(sum(payment_amount), 0)
    from staging.order_fact as orders
    where orders.load_date = day.load_date
        and orders.is_history = day.is_history
)
where outcome = 'loaded'
    and revenue is not null;
