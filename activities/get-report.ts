import { fileNames } from '../domain/feeds.ts';
import { failure } from '../domain/failures.ts';
import { isLoadDate } from '../domain/load-date.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface Report {
  reportId: string;
  /** YYYY-MM-DD; the date that history is staged under. */
  startDay: string | undefined;
  /** The report's files that have an address. */
  files: string[];
  /** The files of this worker's feeds that have none; absent in histories from before this was told. */
  missing?: string[];
}

/** Looks once whether the report is made; undefined while it is not. */
export function getReport({ reportApi }: ActivityDependencies) {
  return async function getReport(taskId: string): Promise<Report | undefined> {
    const report = await reportApi.getReport(taskId, cancellation());
    if (report.status === 'RUNNING') return undefined;
    if (report.status === 'FAILED') {
      throw failure(
        'ReportFailed',
        `The report API could not make the report: its status is "${report.word}".`,
      );
    }
    const startDay = report.startDay?.slice(0, 10);
    const known = fileNames('report');
    return {
      reportId: report.reportId,
      startDay: startDay !== undefined && isLoadDate(startDay) ? startDay : undefined,
      files: known.filter((file) => file in report.urls),
      missing: known.filter((file) => !(file in report.urls)),
    };
  };
}
