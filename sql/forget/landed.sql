-- Takes the names of forgotten customers from the orders of a download, and returns them. $1 delivery_number
with named as (
    select first_name, last_name
    from staging.incoming_user_order_log
    where delivery_number = (select $1::bigint)
        and customer_id in (select customer_id from staging.forgotten_customer)
),

unnamed as (
    update staging.incoming_user_order_log set
        first_name = null,
        last_name = null
    where delivery_number = (select $1::bigint)
        and customer_id in (select customer_id from staging.forgotten_customer)
)

select array(select first_name from named union select last_name from named) as names;
