-- Removes customers' names from a table, and returns them. In braces: staging.user_order_log, what has landed for it, or
-- mart.d_customer; and whose names, by $1.
with named as (
    select first_name, last_name
    from {table}
    where {whose}
        and (first_name is not null or last_name is not null)
),

unnamed as (
    update {table} set
        first_name = null,
        last_name = null
    where {whose}
        and (first_name is not null or last_name is not null)
)

select
    count(*)::float8 as rows,
    array(select first_name from named union select last_name from named) as names
from named;
