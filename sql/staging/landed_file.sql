-- Records that a file has landed, with its rows. Says whether any customer is forgotten.
-- $1 delivery_number, $2 load_date, $3 file, $4 sha256, $5 bytes, $6 rows_read, $7 rows_rejected, $8 warnings
insert into staging.landed_file (
    delivery_number, load_date, file, sha256, bytes, rows_read, rows_rejected, warnings
)
values ($1, $2, $3, $4, $5, $6, $7, $8)
returning exists (select from staging.forgotten_customer) as any_forgotten;
