-- Removes the text of rejected orders that may hold the customer's name.
-- $1 customer_id, $2 the names of that customer until now, $3 the files of orders
with removed as (
    update staging.rejected_row set raw = ''
    where file = any ($3)
        and raw <> ''
        and staging.may_hold_name(raw, column_name, $1, $2)
    returning 1
)

select count(*)::float8 as rows
from removed;
