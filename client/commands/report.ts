import { rename, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { countDays } from '../../domain/load-date.ts';
import { withDatabase } from '../database.ts';
import { CommandFailed, type Output } from '../output.ts';
import { isTooLong, MOST_DAYS, readReport, type Range } from '../report/data.ts';

export interface ReportOptions extends Range {
  out?: string;
}

/** `client report`: the mart as one page that stands by itself. */
export async function report({ out, ...range }: ReportOptions, output: Output): Promise<void> {
  if (range.from !== undefined && range.to !== undefined && range.from > range.to)
    throw new CommandFailed(`--from ${range.from} is after --to ${range.to}.`, 2);
  if (isTooLong(range)) throw new CommandFailed(`A report covers at most ${MOST_DAYS} days.`, 2);
  const now = new Date();
  const data = await withDatabase((database) => readReport(database, range, now));
  // Not at the start of every command: the chart library takes its time to load.
  const { reportPage } = await import('../report/page.ts');
  const file = path.resolve(out ?? 'sales-report.html');
  await replaceFile(file, reportPage(data, now));
  const document = {
    file,
    weeks: data?.weeks.length ?? 0,
    days: data ? countDays(data.from, data.to) : 0,
  };
  output.result(document, () =>
    data
      ? `${file}: ${data.from} to ${data.to}, ${document.weeks} weeks with sales.`
      : `${file}: the mart is empty.`,
  );
}

/** Whoever has the page open sees the old one or the new one. */
async function replaceFile(file: string, text: string): Promise<void> {
  const temporary = `${file}.${process.pid}.tmp`;
  try {
    await writeFile(temporary, text);
    await rename(temporary, file);
  } catch (error) {
    await rm(temporary, { force: true });
    const reason = error instanceof Error ? error.message : String(error);
    throw new CommandFailed(`The report cannot be written to ${file}: ${reason}.`);
  }
}
