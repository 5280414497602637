-- The tables that the rows of feeds wait in are explained by the feeds' own tables, of which their comments are made.
do $$
declare
    changed record;
begin
    for changed in
        with incoming as (
            select waiting.oid, waiting.oid::regclass as name, staged.oid::regclass as feed
            from pg_class as staged
            inner join pg_class as waiting
                on waiting.relname = 'incoming_' || staged.relname
                    and waiting.relnamespace = staged.relnamespace
            where staged.relnamespace = 'staging'::regnamespace
                and staged.relkind = 'r'
        ),

        wanted as (
            select oid, 0 as number, 'table ' || name as object,
                format('Rows of landed files that wait to be staged, into %s.', feed) as comment
            from incoming
            union all
            select oid, waiting.attnum, format('column %s.%I', name, waiting.attname),
                case waiting.attname
                    when 'delivery_number' then 'Number of the download: staging.landed_file.'
                    when 'ordinal' then 'Number of the row in the file.'
                    else col_description(feed, staged.attnum)
                end
            from incoming
            inner join pg_attribute as waiting on waiting.attrelid = oid
            left join pg_attribute as staged
                on staged.attrelid = feed
                    and staged.attname = waiting.attname
            where waiting.attnum > 0
                and not waiting.attisdropped
        )

        select object, comment
        from wanted
        where comment is distinct from
            case number when 0 then obj_description(oid, 'pg_class') else col_description(oid, number) end
    loop
        execute format('comment on %s is %L', changed.object, changed.comment);
    end loop;
end
$$;
