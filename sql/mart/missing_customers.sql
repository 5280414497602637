-- Brings back customers of one delivery whom the mart lacks although another delivery may hold a later order, which is so
-- after an edit by hand: each with the last order in all of staging (contract, ruling 43).
--
-- Only deliveries with an order as late as this one's earliest are asked, so a new day asks none as a rule.
-- $1 load_date, $2 is_history, $3 the file of orders
with delivered as materialized (
    select customer_id, date_time
    from staging.user_order_log
    where load_date = (select $1::date)
        and is_history = (select $2::boolean)
),

other as materialized (
    select load_date
    from staging.file_load
    where newest_order_at >= (select min(date_time) from delivered)
        and (load_date, file) <> ($1, $3)
),

lacking as materialized (
    select customer_id from delivered where exists (select from other)
    except
    select customer_id from delivered inner join mart.d_customer using (customer_id)
)

insert into mart.d_customer (
    customer_id, first_name, last_name, city_id, last_order_at, last_order_id, load_date, is_history
)
select distinct on (customer_id)
    customer_id, orders.first_name, orders.last_name, orders.city_id, date_time, id, load_date, is_history
from lacking
cross join (select load_date from other union select $1) as delivery
inner join staging.user_order_log as orders using (load_date, customer_id)
order by customer_id, date_time desc, load_date desc, id desc nulls last, is_history, uniq_id desc, status desc;
