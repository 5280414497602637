-- Read-only access to the mart, to what was loaded when, and to why rows were rejected; not to the text of these, nor to
-- staged rows. Run by the owner of the schema, after every migration:
--   npm run client -- migrate --analyst-role sales_analyst
grant usage on schema mart, staging to :"role";
grant select on all tables in schema mart to :"role";
grant select on staging.file_load, staging.day_load to :"role";
grant select (load_date, file, line, column_name, rule, reason) on staging.rejected_row to :"role";
