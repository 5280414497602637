-- Carries out what `fact_change` holds.
-- Retention follows in the same transaction, by `f_customer_retention.sql`: its weeks need not be marked as stale.
set local mart.retention_follows = on;

delete from mart.f_sales as fact
using fact_change as lost
where lost.facts = -1
    and lost.uniq_id = fact.uniq_id
    and lost.status = fact.status
    and not exists (
        select from fact_change as gained
        where gained.facts = 1
            and gained.uniq_id = lost.uniq_id
            and gained.status = lost.status
    );

insert into mart.f_sales (
    uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
)
select uniq_id, status, date_id, item_id, customer_id, city_id, quantity, payment_amount, load_date, is_history
from fact_change
where facts = 1
on conflict (uniq_id, status) do update set
    date_id = excluded.date_id,
    item_id = excluded.item_id,
    customer_id = excluded.customer_id,
    city_id = excluded.city_id,
    quantity = excluded.quantity,
    payment_amount = excluded.payment_amount,
    load_date = excluded.load_date,
    is_history = excluded.is_history;

set local mart.retention_follows = off;
