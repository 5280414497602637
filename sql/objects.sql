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
        case when attname is not null then 'column' when relkind = 'r' then 'table' when relkind = 'v' then 'view' else 'sequence' end,
        concat_ws('.', nspname, relname, attname),
        relname,
        number,
        format_type(atttypid, atttypmod),
        -- 0: of the whole.
        col_description(pg_class.oid, number)
    from pg_class
    inner join ours on ours.oid = relnamespace
    cross join lateral (
        select 0 as number, null as attname, null as atttypid, null as atttypmod
        union all
        select attnum, attname, atttypid, atttypmod
        from pg_attribute
        where attrelid = pg_class.oid
            and relkind in ('r', 'v')
            and attnum > 0
            and not attisdropped
    ) as part
    where relkind in ('r', 'v', 'S')
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
