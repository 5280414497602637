import path from 'node:path';
import { newestDueDay } from '../../domain/due-days.ts';
import { countDays } from '../../domain/load-date.ts';
import { messageOf } from '../../domain/text.ts';
import { AtomicFile } from '../../runtime/atomic-file.ts';
import { checkRange, type Range } from '../arguments.ts';
import { withDatabase } from '../database.ts';
import { CommandFailed, type Output } from '../output.ts';
import { readReport } from '../report/data.ts';
import type { Language } from '../report/texts.ts';
import { dailySchedule } from '../../runtime/daily-schedule.ts';

export interface ReportOptions extends Range {
  out?: string;
  language: Language;
}

/** `client report`: writes a self-contained HTML report of the mart. */
export async function report({ out, language, ...range }: ReportOptions, output: Output): Promise<void> {
  checkRange(range);
  const now = new Date();
  const newestDue = newestDueDay(dailySchedule(process.env), now);
  const data = await withDatabase((database) => readReport(database, range, newestDue));
  // Imported only here: the chart library is slow to load.
  const { reportPage } = await import('../report/page.ts');
  const file = path.resolve(out ?? 'sales-report.html');
  // Atomic: a reader sees the old page or the new one, never half of one. Who may read it, the umask says.
  await AtomicFile.put(file, Buffer.from(reportPage(data, now, language)), 0o666).catch((error: unknown) => {
    throw new CommandFailed(`Cannot write the report to ${file}: ${messageOf(error)}.`);
  });
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
