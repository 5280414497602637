-- Lists a customer as forgotten. $1 customer_id, $2 staged rows, $3 rows of the mart, $4 rejected rows
insert into staging.forgotten_customer as customer (customer_id, staged_rows, mart_rows, rejected_rows)
values ($1, $2, $3, $4)
on conflict (customer_id) do update set
    staged_rows = customer.staged_rows + excluded.staged_rows,
    mart_rows = customer.mart_rows + excluded.mart_rows,
    rejected_rows = customer.rejected_rows + excluded.rejected_rows
returning forgotten_at, forgotten_by;
