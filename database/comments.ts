import { readdirSync } from 'node:fs';
import path from 'node:path';
import pg from 'pg';
import { projectRoot } from '../runtime/project-root.ts';
import type { Session } from './session.ts';

/** Something of the schemas staging and mart that a comment explains. */
export interface SchemaObject {
  kind: 'schema' | 'table' | 'view' | 'column' | 'sequence' | 'function';
  /** E.g. `mart.f_sales.uniq_id`. */
  name: string;
  /** Of a column its type, of a function its parameters. */
  type: string | null;
  comment: string | null;
}

/**
 * Gives the database the comments of sql/comments/. Only those that differ are written: a comment waits for a vacuum of
 * its table to end, which a repeated `migrate` must not.
 */
export async function updateComments(session: Session): Promise<void> {
  const texts = new Map<string, string>();
  for (const file of readdirSync(path.join(projectRoot, 'sql', 'comments'))) {
    const rows = await session.run<{ column1: string; column2: string }>(`comments/${path.parse(file).name}`);
    for (const { column1: name, column2: text } of rows) texts.set(name, text);
  }
  const changed = (await session.run<SchemaObject & object>('objects')).flatMap(
    ({ kind, name, type, comment }) => {
      const text = meaningOf(name, texts);
      const parameters = kind === 'function' ? `(${type ?? ''})` : '';
      return text === undefined || text === comment
        ? []
        : [`comment on ${kind} ${name}${parameters} is ${pg.escapeLiteral(text)}`];
    },
  );
  if (changed.length > 0) await session.query(changed.join(';\n'));
}

/** Of a table `incoming_…`, what its feed's table says; of other people's objects nothing. */
function meaningOf(name: string, texts: ReadonlyMap<string, string>): string | undefined {
  const [schema = '', table = '', column] = name.split('.');
  const feed = `${schema}.${table.replace(/^incoming_/, '')}`;
  const own = texts.get(name);
  if (own !== undefined || !(texts.has(`${schema}.${table}`) || texts.has(feed))) return own;
  return column === undefined
    ? `Rows of landed files (staging.landed_file) that wait to be staged, into ${feed}.`
    : (texts.get(`${feed}.${column}`) ?? texts.get(`*.${column}`));
}
