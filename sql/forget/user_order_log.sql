-- Removes a customer's names from orders that are staged or landed, and returns them. $1 customer_id
with staged as (
    select first_name, last_name
    from staging.user_order_log
    where customer_id = $1
        and (first_name is not null or last_name is not null)
),

landed as (
    select first_name, last_name
    from staging.incoming_user_order_log
    where customer_id = $1
        and (first_name is not null or last_name is not null)
),

named as (
    select * from staged
    union all
    select * from landed
),

unnamed as (
    update staging.user_order_log set
        first_name = null,
        last_name = null
    where customer_id = $1
        and (first_name is not null or last_name is not null)
),

unnamed_landed as (
    update staging.incoming_user_order_log set
        first_name = null,
        last_name = null
    where customer_id = $1
        and (first_name is not null or last_name is not null)
)

select
    (select count(*) from staged)::float8 as rows,
    array(select first_name from named union select last_name from named) as names;
