-- Removes a customer's names from a table, and returns them. {table} is staging.user_order_log, what has landed for it, or
-- mart.d_customer. $1 customer_id
with named as (
    select first_name, last_name
    from {table}
    where customer_id = $1
        and (first_name is not null or last_name is not null)
),

unnamed as (
    update {table} set
        first_name = null,
        last_name = null
    where customer_id = $1
        and (first_name is not null or last_name is not null)
)

select
    count(*)::float8 as rows,
    array(select first_name from named union select last_name from named) as names
from named;
