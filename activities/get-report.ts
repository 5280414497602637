import { FEEDS, fileName } from '../domain/feeds.ts';
import type { ReportRef } from '../domain/day.ts';
import { failure } from '../domain/failures.ts';
import { isLoadDate } from '../domain/load-date.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, idInput } from './inputs.ts';

/** Feeds whose file is there, and those whose file is not. Addresses are secrets and stay out of the history. */
export interface AvailableFiles {
  present: string[];
  missing: string[];
}

export interface Report extends ReportRef, AvailableFiles {
  /** YYYY-MM-DD; the date that history is staged under. */
  startDay: string | undefined;
}

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
