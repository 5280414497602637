import { sql } from '../../database/sql.ts';
import { feedNamed } from '../../domain/feeds.ts';

/** `sql/staging/<name>.sql`, with what a feed's entry in domain/feeds.ts says in the place of the braces. */
export function feedSql(name: 'merge' | 'discard', feedName: string): string {
  const { columns: all, key, newestBy } = feedNamed(feedName);
  const columns = all.map((column) => column.name);
  const values = columns.filter((column) => !key.includes(column));
  const of = (table: string, names: readonly string[]) =>
    names.map((column) => `${table}.${column}`).join(', ');
  const lists: Readonly<Record<string, string>> = {
    feed: feedName,
    key: key.join(', '),
    columns: columns.join(', '),
    values: values.join(', '),
    'newest first': [...(newestBy === undefined ? [] : [`${newestBy} desc nulls last`]), 'ordinal desc'].join(
      ', ',
    ),
    'same key': key.map((column) => `newest.${column} = staged.${column}`).join(' and '),
    'newest columns': of('newest', columns),
    'newest values': of('newest', values),
    'staged values': of('staged', values),
  };
  return sql(`staging/${name}`).replace(/\{([a-z ]+)\}/g, (braces, list: string) => lists[list] ?? braces);
}
