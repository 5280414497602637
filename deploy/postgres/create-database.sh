#!/bin/sh
# Run once by the postgres image, on an empty volume: the database of staging and mart, and its owner, which is no
# superuser.
set -eu
psql --set=ON_ERROR_STOP=1 --username="$POSTGRES_USER" --dbname=postgres \
    --set=password="$SALES_DATABASE_PASSWORD" <<'SQL'
create role sales login password :'password';
create database sales owner sales;
SQL
