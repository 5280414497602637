import { readdirSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../runtime/project-root.ts';
import type { Session } from './session.ts';
import { sql } from './sql.ts';

/** Something of the schemas staging and mart that a comment explains. */
export interface SchemaObject {
  kind: 'schema' | 'table' | 'view' | 'column' | 'sequence' | 'function';
  /** E.g. `mart.f_sales.uniq_id`. */
  name: string;
  /** Of a column its type, of a function its parameters. */
  type: string | null;
  comment: string | null;
}

const COMMENT_ON = /^comment on \w+ ([\w.]+)(?:\([^)]*\))? is\s+'((?:[^']|'')*)';/gm;

/**
 * Gives the database the comments of sql/comments/. Only those that differ are written: a comment waits for a vacuum of
 * its table to end, which a repeated `migrate` must not.
 */
export async function updateComments(session: Session): Promise<void> {
  const objects = await session.run<SchemaObject & object>('objects');
  const known = new Map(objects.map(({ name, comment }) => [name, comment]));
  const changed = readdirSync(path.join(projectRoot, 'sql', 'comments'))
    .flatMap((file) => [...sql(`comments/${path.parse(file).name}`).matchAll(COMMENT_ON)])
    .filter(([, name = '', text = '']) => known.get(name) !== text.replaceAll("''", "'"));
  if (changed.length > 0) await session.query(changed.map(([statement]) => statement).join('\n'));
  await session.execute('incoming_comments');
}
