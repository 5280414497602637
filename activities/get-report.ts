import type { z } from 'zod';
import { FEEDS, fileName } from '../domain/feeds.ts';
import { failure } from '../domain/failures.ts';
import { isLoadDate } from '../domain/load-date.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, idInput, type fullReportInput } from '../domain/inputs.ts';

export type Report = z.infer<typeof fullReportInput>;

/** Which feeds have their file. Addresses are secrets and stay out of the history. */
export type AvailableFiles = Pick<Report, 'present' | 'missing'>;

/** Asks once whether the report is ready; undefined while it is not. */
export function getReport({ reportApi }: ActivityDependencies) {
  return async function getReport(taskId: string): Promise<Report | undefined> {
    const report = await reportApi.getReport(checkedInput(idInput, taskId), cancellation());
    if (report.status === 'RUNNING') return undefined;
    if (report.status === 'FAILED') {
      throw failure(
        'ReportFailed',
        `The report API could not make the report: its status is "${report.word}".`,
      );
    }
    const startDay = report.startDay?.slice(0, 10);
    return {
      taskId,
      reportId: report.reportId,
      startDay: startDay !== undefined && isLoadDate(startDay) ? startDay : undefined,
      ...availableFiles((feed) => fileName({ feed, source: 'history' }) in report.urls),
    };
  };
}

export function availableFiles(isPresent: (feed: string) => boolean): AvailableFiles {
  const feeds = FEEDS.map(({ name }) => name);
  return { present: feeds.filter(isPresent), missing: feeds.filter((feed) => !isPresent(feed)) };
}
