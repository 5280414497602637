-- What a worker needs and no more, for a role that does not own the schema. Run by the owner of the schema, after every migration:
--   npm run client -- migrate --worker-role sales_worker
grant usage on schema staging, mart to :"role";
grant select, insert, update, delete on all tables in schema staging, mart to :"role";
grant usage on all sequences in schema staging to :"role";
grant execute on all functions in schema staging, mart to :"role";
-- Only the owner migrates and forgets customers.
revoke insert, update, delete on staging.schema_migration, staging.forgotten_customer from :"role";
