import type pg from 'pg';

const HEADER = `-- The schema as the migrations leave it: for reading, never run.
-- Renew it with: npm run docs
`;

const OURS = `('staging', 'mart')`;

/** Each gives one text per object, in the order of the file. */
const QUERIES: readonly string[] = [
  `select format('create schema %I;', nspname)
   from pg_namespace
   where nspname in ${OURS}
   order by nspname`,

  `select format('create sequence %I.%I as %s start %s;', schemaname, sequencename, data_type, start_value)
   from pg_sequences
   where schemaname in ${OURS}
   order by schemaname, sequencename`,

  `select format(E'create table %I.%I (\n%s\n);', nspname, relname, string_agg(line, E',\n' order by place))
   from (
     select nspname, relname, attnum as place,
       '    ' || quote_ident(attname) || ' ' || format_type(atttypid, atttypmod)
         || case when attcollation <> typcollation then ' collate ' || quote_ident(collname) else '' end
         || coalesce(case attgenerated when 's' then ' generated always as ' || pg_get_expr(adbin, adrelid) || ' stored'
           else ' default ' || pg_get_expr(adbin, adrelid) end, '')
         || case when attnotnull then ' not null' else '' end as line
     from pg_class
     join pg_namespace on pg_namespace.oid = relnamespace
     join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
     join pg_type on pg_type.oid = atttypid
     left join pg_collation on pg_collation.oid = attcollation
     left join pg_attrdef on adrelid = pg_class.oid and adnum = attnum
     where relkind = 'r' and nspname in ${OURS}
     union all
     -- PostgreSQL 18 lists "not null" among the constraints, older ones do not.
     select nspname, relname, 10000 + row_number() over (partition by pg_class.oid order by contype desc, conname),
       '    constraint ' || quote_ident(conname) || ' ' || pg_get_constraintdef(pg_constraint.oid)
     from pg_constraint
     join pg_class on pg_class.oid = conrelid
     join pg_namespace on pg_namespace.oid = relnamespace
     where contype <> 'n' and relkind = 'r' and nspname in ${OURS}
   ) as lines
   group by nspname, relname
   order by nspname, relname`,

  `select pg_get_indexdef(indexrelid) || ';'
   from pg_index
   join pg_class on pg_class.oid = indexrelid
   join pg_namespace on pg_namespace.oid = relnamespace
   where nspname in ${OURS} and not exists (select from pg_constraint where conindid = indexrelid)
   order by nspname, relname`,

  `select pg_get_functiondef(pg_proc.oid) || ';'
   from pg_proc
   join pg_namespace on pg_namespace.oid = pronamespace
   where nspname in ${OURS}
   order by nspname, proname`,

  `select format(E'create view %I.%I as\n%s', nspname, relname, pg_get_viewdef(pg_class.oid, 0))
   from pg_class
   join pg_namespace on pg_namespace.oid = relnamespace
   where relkind = 'v' and nspname in ${OURS}
   order by nspname, relname`,
];

/**
 * The schema that the migrations make, as text, from PostgreSQL's own catalogs. It is committed as sql/schema.sql, so
 * that what a migration does shows in its review.
 */
export async function dumpSchema(pool: pg.Pool): Promise<string> {
  const parts = [HEADER];
  for (const query of QUERIES) {
    const { rows } = await pool.query<[string]>({ text: query, rowMode: 'array' });
    parts.push(...rows.map(([text]) => `${text.replaceAll(/[ \t]+$/gm, '').trim()}\n`));
  }
  return parts.join('\n');
}
