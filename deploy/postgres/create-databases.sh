#!/bin/sh
# Run once by the postgres image, on an empty volume. None of these roles is a superuser:
#   sales_owner     owns the database of staging and mart, and migrates it
#   sales_worker    loads; `migrate --worker-role` grants it what it needs
#   sales_analyst   reads the mart; `migrate --analyst-role`
#   temporal        owns the two databases of the Temporal server
set -eu
# psql reads the passwords from the environment: arguments can be seen by every user of the machine.
psql --no-psqlrc --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres <<'SQL'
\getenv owner_password SALES_OWNER_PASSWORD
\getenv worker_password SALES_WORKER_PASSWORD
\getenv analyst_password SALES_ANALYST_PASSWORD
\getenv temporal_password TEMPORAL_DATABASE_PASSWORD
create role sales_owner login password :'owner_password';
create role sales_worker login password :'worker_password';
create role sales_analyst login password :'analyst_password';
create role temporal login password :'temporal_password';

create database sales owner sales_owner encoding 'UTF8' template template0;
revoke all on database sales from public;
grant connect on database sales to sales_worker, sales_analyst;

create database temporal owner temporal;
create database temporal_visibility owner temporal;
revoke all on database temporal, temporal_visibility from public;
SQL
