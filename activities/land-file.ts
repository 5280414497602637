import { ApplicationFailure } from '@temporalio/common';
import { activityInfo } from '@temporalio/activity';
import { describeFile, type DeliveryFile, type LandedFile, type ReportRef } from '../domain/day.ts';
import { failure } from '../domain/failures.ts';
import { fileName } from '../domain/feeds.ts';
import { nextDeliveryNumber } from '../pipeline/load/delivery-number.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, deliveryFileInput, reportRefInput } from './inputs.ts';

/** Tries before the run asks anew which files are there: some 15 s of the storage, 30 s of the API, as `getIncrement` has. */
const MAX_DOWNLOADS = 5;
const MAX_QUESTIONS = 6;

/**
 * Downloads one file to the landing directory. Its address is asked for here, at every try: it is a secret that must
 * not stand in a history, and it may have expired since the run began.
 */
export function landFile({ database, reportApi, downloader, landing, now }: ActivityDependencies) {
  return async function landFile(input: DeliveryFile, report: ReportRef): Promise<LandedFile> {
    const file = checkedInput(deliveryFileInput, input);
    checkedInput(reportRefInput, report);
    try {
      return await land(file, report);
    } catch (error) {
      throw leftToTheRun(error) ?? error;
    }
  };

  async function land(file: DeliveryFile, report: ReportRef): Promise<LandedFile> {
    const signal = cancellation();
    const deliveryNumber = await nextDeliveryNumber(database, signal);
    const address = (await addresses(file, report, signal))[fileName(file)];
    if (address === undefined) {
      throw failure('FileNotAvailable', `${describeFile(file)} no longer has a URL.`);
    }
    const downloaded = await landing.land(file, now(), (target) =>
      downloader.download(fileName(file), address, target, signal),
    );
    return { ...file, deliveryNumber, ...downloaded };
  }

  /**
   * A storage or an API that goes on failing is left to the run, which asks for the increment anew and knows when to
   * stop. Only then: a database or a disk that cannot be used, or a worker that is lost, is not the file's fault.
   */
  function leftToTheRun(error: unknown): ApplicationFailure | undefined {
    if (!(error instanceof ApplicationFailure)) return undefined;
    const { type, message } = error;
    const { attempt } = activityInfo();
    const isApi = type === 'ReportApiUnavailable' || type === 'ReportApiAnswerInvalid';
    const isLeft =
      (type === 'DownloadInterrupted' && attempt >= MAX_DOWNLOADS) || (isApi && attempt >= MAX_QUESTIONS);
    return isLeft ? ApplicationFailure.create({ type, message, nonRetryable: true }) : undefined;
  }

  async function addresses(
    { source, loadDate }: DeliveryFile,
    { taskId, reportId }: ReportRef,
    signal: AbortSignal,
  ) {
    if (source === 'history') {
      const report = await reportApi.getReport(taskId, signal);
      return report.status === 'SUCCESS' ? report.urls : {};
    }
    const increment = await reportApi.getIncrement(reportId, loadDate, signal);
    return increment.found ? increment.urls : {};
  }
}
