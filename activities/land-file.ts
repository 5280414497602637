import type { DeliveryRef, LandedFile } from '../shared/day.ts';
import { failure } from '../shared/failures.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface LandRequest {
  delivery: DeliveryRef;
  file: string;
  /** The finished report, by which the API gives the file's address. */
  reportId: string;
  /** For history: the task that made the report. */
  taskId: string;
}

/**
 * Downloads one file to the landing directory. The address is asked for here, at every try: it is a secret that
 * must not stand in a history, and it may have expired since the run began.
 */
export function landFile({ database, reportApi, downloader, landing }: ActivityDependencies) {
  return async function landFile(request: LandRequest): Promise<LandedFile> {
    const { delivery, file } = request;
    const signal = cancellation();
    const [numbered] = await database.query<{ delivery: string }>('audit/next_delivery', [], signal);
    const address = (await addresses(request, signal))[file];
    if (address === undefined) {
      throw failure('FileNotAvailable', `${file} of ${delivery.loadDate} has no address any more.`);
    }
    const target = landing.csvPath(delivery, file);
    const { bytes, sha256 } = await downloader.download(file, address, target, signal);
    return { file, delivery: Number(numbered?.delivery), bytes, sha256 };
  };

  async function addresses({ delivery, reportId, taskId }: LandRequest, signal: AbortSignal) {
    if (delivery.kind === 'report') {
      const report = await reportApi.getReport(taskId, signal);
      return report.status === 'SUCCESS' ? report.urls : {};
    }
    const increment = await reportApi.getIncrement(reportId, delivery.loadDate, signal);
    return increment.found ? increment.urls : {};
  }
}
