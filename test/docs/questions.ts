import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type pg from 'pg';
import { formatted } from '../../dev/docs/write-docs.ts';
import { projectRoot } from '../../runtime/project-root.ts';

export const QUESTIONS = 'docs/questions.md';

/** A question's SQL, then its answer as a table. */
const QUESTION = /^```sql\n([^]*?)^```\n(?:\n(?:\|.*\n)+)?/gm;

export async function questionsText(): Promise<string> {
  return await readFile(path.join(projectRoot, QUESTIONS), 'utf8');
}

/** The SQL of every question of docs/questions.md. */
export async function questions(): Promise<string[]> {
  return [...(await questionsText()).matchAll(QUESTION)].map(([, sql = '']) => sql);
}

/** The text of docs/questions.md with every answer as the database gives it now. */
export async function answered(pool: pg.Pool): Promise<string> {
  let text = '';
  let end = 0;
  const before = await questionsText();
  for (const { 0: former, 1: sql = '', index } of before.matchAll(QUESTION)) {
    text += `${before.slice(end, index)}\`\`\`sql\n${sql}\`\`\`\n\n${await answerTo(pool, sql)}`;
    end = index + former.length;
  }
  return await formatted(QUESTIONS, text + before.slice(end));
}

/** The rows as a Markdown table, values as PostgreSQL writes them. */
export async function answerTo(pool: Pick<pg.Pool, 'query'>, text: string): Promise<string> {
  const { fields, rows } = await pool.query<(string | null)[]>({
    text,
    rowMode: 'array',
    types: { getTypeParser: () => String },
  });
  const cells = [
    fields.map(({ name }) => name),
    fields.map(({ dataTypeID }) => (NUMBERS.has(dataTypeID) ? '--:' : '---')),
  ];
  return [...cells, ...rows.map((row) => row.map((value) => value ?? ''))]
    .map((row) => `| ${row.join(' | ')} |\n`)
    .join('');
}

/** integer, bigint, numeric: aligned by their last digit. */
const NUMBERS = new Set([23, 20, 1700]);
