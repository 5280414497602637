-- What this transaction sees, for another one to see the same.
select pg_export_snapshot() as id;
