-- Whether any customer is forgotten, which makes every landed file one that may hold a name.
select
    clock_timestamp()::text as now,
    exists (select from staging.forgotten_customer) as any_forgotten;
