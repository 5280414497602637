-- Read-only access to the mart and to what was loaded when; not to raw rows that were set aside. Run by the owner of
-- the database after every `migrate`:  psql -v role=sales_analyst -f sql/roles/analyst.sql
grant usage on schema mart, staging to :"role";
grant select on all tables in schema mart to :"role";
grant select on staging.file_load, staging.day_load to :"role";
