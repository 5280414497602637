import type pg from 'pg';
import { TEXTS, type TextKey } from '../../client/report/texts.ts';
import type { SchemaObject } from '../../database/comments.ts';
import { sql } from '../../database/sql.ts';

const HEAD = `# Data dictionary

What every table, view, column and function of the database means. The texts are the comments in the database, so
\`\\d+ mart.f_sales\` in psql, DBeaver or a BI tool shows them too. They are written in \`sql/comments/\`, and \`migrate\`
brings them into the database; \`npm run docs\` makes this page of a migrated one, and \`test/docs/database-docs.test.ts\`
checks it. [Ten questions](questions.md) show the tables at work.

[The tables of the mart](#the-tables-of-the-mart) · [mart](#mart) · [staging](#staging) ·
[Names on the report page](#names-on-the-report-page)
`;

/** A text of the report page that has one form. */
type Name = { [K in TextKey]: (typeof TEXTS)[K]['en'] extends string ? K : never }[TextKey];

/** By name on the report page, what it is the name of. */
const ON_THE_PAGE: Partial<Record<Name, string>> = {
  city: 'mart.d_city',
  item: 'mart.d_item',
  customers: 'mart.d_customer',
  revenue: 'mart.f_sales.payment_amount',
  orders: "mart.f_sales, status = 'shipped'",
  refunds: "mart.f_sales, status = 'refunded'",
  day: 'mart.d_calendar.date_actual',
  week: 'mart.d_calendar.period_id',
  monday: 'mart.d_calendar.week_start',
  retention: 'mart.f_customer_retention',
  new: 'mart.f_customer_retention.new_customers_…',
  returning: 'mart.f_customer_retention.returning_customers_…',
  refunded: 'mart.f_customer_retention.refunded_customers_…',
  deliveries: 'staging.file_load',
  rowsKept: 'staging.file_load.rows_kept',
  rejected: 'staging.rejected_row',
  column: 'staging.rejected_row.column_name',
  reason: 'staging.rejected_row.rule',
  daysLoaded: 'staging.day_load',
};

/** docs/data-dictionary.md, of a migrated database. */
export async function dataDictionary(pool: pg.Pool): Promise<string> {
  const { rows } = await pool.query<SchemaObject>(sql('objects'));
  return [
    HEAD,
    `## The tables of the mart\n\n${await diagram(pool)}`,
    ...['mart', 'staging'].map((schema) => sectionOf(schema, rows)),
    `## Names on the report page\n\n${namesTable()}`,
  ].join('\n');
}

function sectionOf(schema: string, all: readonly SchemaObject[]): string {
  const objects = all.filter(({ name }) => name.split('.')[0] === schema);
  const parts = objects.map(({ kind, name, type, comment }) => {
    const text = comment ?? '';
    switch (kind) {
      case 'schema':
        return `## ${name}\n\n${text}\n`;
      case 'column':
        return line([`\`${name.split('.').at(-1) ?? ''}\``, brief(type), text]);
      case 'function':
        return `### ${name}()\n\n\`(${type ?? ''})\`: ${text}\n`;
      case 'table':
      case 'view':
        return `### ${name}\n\n${kind === 'view' ? 'View. ' : ''}${text}\n\n${line(['column', 'type', 'meaning'])}\n${line(['---', '---', '---'])}`;
      default:
        return `### ${name}\n\n${text}\n`;
    }
  });
  return parts.join('\n').replaceAll(/^(\|.*)\n(?=#)/gm, '$1\n\n');
}

/** Of every table of the mart its columns; one that is named as the only key of another table refers to that one. */
const MART_TABLES = `
  with columns as (
    select attrelid, conkey, relname as table, attnum, attname as column, format_type(atttypid, null) as type
    from pg_class
    join pg_constraint on conrelid = pg_class.oid and contype = 'p'
    join pg_attribute on attrelid = pg_class.oid and attnum > 0 and not attisdropped
    where relnamespace = 'mart'::regnamespace and relkind = 'r'
  )
  select mine.table, mine.column, mine.type, mine.attnum = any (mine.conkey) as is_key, other.table as refers_to
  from columns as mine
  left join columns as other
    on other.column = mine.column and other.conkey = array[other.attnum] and other.attrelid <> mine.attrelid
  order by mine.table, mine.attnum`;

async function diagram(pool: pg.Pool): Promise<string> {
  type Row = Record<'table' | 'column' | 'type', string> & { is_key: boolean; refers_to: string | null };
  const { rows } = await pool.query<Row>(MART_TABLES);
  const references: string[] = [];
  const boxes: Record<string, string> = {};
  for (const { table, column, type, is_key, refers_to } of rows) {
    if (refers_to !== null) references.push(`${refers_to} ||--o{ ${table} : ${column}`);
    const role = is_key ? ' PK' : refers_to === null ? '' : ' FK';
    boxes[table] = `${boxes[table] ?? `${table} {\n`}  ${brief(type)} ${column}${role}\n`;
  }
  const drawn = Object.values(boxes).map((box) => `${box}}`);
  return ['```mermaid', 'erDiagram', ...references, ...drawn, '```', ''].join('\n');
}

function namesTable(): string {
  const rows = Object.entries(ON_THE_PAGE).map(([key, name]) => {
    const { en, ru } = TEXTS[key as Name];
    return line([`\`${name}\``, en, ru]);
  });
  return [line(['in the database', 'English', 'Russian']), line(['---', '---', '---']), ...rows].join('\n');
}

/** A row of a Markdown table. */
function line(cells: readonly string[]): string {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
}

function brief(type: string | null): string {
  return (type ?? '')
    .replace('timestamp without time zone', 'timestamp')
    .replace('timestamp with time zone', 'timestamptz');
}
