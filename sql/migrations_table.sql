-- What `migrate` knows of this database. Forward only: a version once applied is never taken back.
create schema if not exists staging;

create table if not exists staging.schema_migration (
    version integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
);
