-- What a worker needs and no more, for a role of its own that does not own the schema. Run by the owner of the
-- database after every `migrate`:  psql -v role=sales_worker -f sql/roles/worker.sql
-- (Make the role first:  create role sales_worker login password '…';)
grant usage on schema staging, mart to :"role";
grant select, insert, update, delete on all tables in schema staging, mart to :"role";
grant usage on all sequences in schema staging to :"role";
grant execute on all functions in schema mart to :"role";
-- Rows come in through a temporary table.
select format('grant temporary on database %I to %I', current_database(), :'role') \gexec
-- Only the owner migrates.
revoke insert, update, delete on staging.schema_migration from :"role";
