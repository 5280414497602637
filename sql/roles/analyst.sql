-- Read-only access to the mart and to what was loaded when; not to staged and rejected rows. Run by the
-- owner of the schema, after every migration:
--   npm run client -- migrate --analyst-role sales_analyst
grant usage on schema mart, staging to :"role";
grant select on all tables in schema mart to :"role";
grant select on staging.file_load, staging.day_load to :"role";
