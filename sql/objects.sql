-- Every object of staging and mart that a comment can explain, with its comment; null: it has none. In the order of a
-- dictionary: a schema, its tables and views with their columns, its sequences and functions.
with ours as (
    select oid, nspname
    from pg_namespace
    where nspname in ('staging', 'mart')
),

objects as (
    select 1 as place, 'schema' as kind, nspname as name, null::name as relation, 0 as number, null as type,
        obj_description(oid, 'pg_namespace') as comment
    from ours
    union all
    select
        case relkind when 'r' then 2 when 'v' then 3 else 4 end,
        case relkind when 'r' then 'table' when 'v' then 'view' else 'sequence' end,
        nspname || '.' || relname,
        relname,
        0,
        null,
        obj_description(pg_class.oid, 'pg_class')
    from pg_class
    inner join ours on ours.oid = relnamespace
    where relkind in ('r', 'v', 'S')
    union all
    select
        case relkind when 'r' then 2 else 3 end,
        'column',
        nspname || '.' || relname || '.' || attname,
        relname,
        attnum,
        format_type(atttypid, atttypmod),
        col_description(attrelid, attnum)
    from pg_attribute
    inner join pg_class on pg_class.oid = attrelid
    inner join ours on ours.oid = relnamespace
    where relkind in ('r', 'v')
        and attnum > 0
        and not attisdropped
    union all
    select
        5,
        'function',
        nspname || '.' || proname,
        proname,
        0,
        pg_get_function_arguments(pg_proc.oid),
        obj_description(pg_proc.oid, 'pg_proc')
    from pg_proc
    inner join ours on ours.oid = pronamespace
)

select kind, name, type, comment
from objects
order by split_part(name, '.', 1), place, relation, number;
