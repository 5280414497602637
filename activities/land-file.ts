import { ApplicationFailure } from '@temporalio/common';
import { activityInfo } from '@temporalio/activity';
import { describeFile, type DeliveryFile, type LandedFile, type ReportRef } from '../domain/day.ts';
import { failure } from '../domain/failures.ts';
import { fileName } from '../domain/feeds.ts';
import { nextDeliveryNumber } from '../pipeline/load/delivery-number.ts';
import { landRows } from '../pipeline/load/land-rows.ts';
import { CheckedRows } from '../pipeline/validate/checked-rows.ts';
import { checkFile } from '../pipeline/validate/check-file.ts';
import { FileRefused } from '../pipeline/validate/file-refused.ts';
import type { AtomicFile } from '../runtime/atomic-file.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, deliveryFileInput, reportRefInput, shareInput } from '../domain/inputs.ts';

/** Tries before the run asks anew which files are there: some 15 s of the storage, 30 s of the API, as `getIncrement` has. */
const MAX_DOWNLOADS = 5;
const MAX_QUESTIONS = 6;

/**
 * Downloads one file and checks it on its way, keeps the original in the landing directory, and puts its rows into the
 * database, where any worker can stage them. The connection is taken when the whole file is in and good enough.
 *
 * Its address is asked for here, at every try: it is a secret that must not stand in a history, and it may have
 * expired since the run began.
 */
export function landFile({ database, reportApi, downloader, landing }: ActivityDependencies) {
  return async function landFile(
    input: DeliveryFile,
    report: ReportRef,
    maxRejectedShare: number,
  ): Promise<LandedFile> {
    const file = checkedInput(deliveryFileInput, input);
    checkedInput(reportRefInput, report);
    checkedInput(shareInput, maxRejectedShare);
    try {
      return await landing.using(activityInfo().attempt, () => land(file, report, maxRejectedShare));
    } catch (error) {
      throw leftToTheRun(error) ?? error;
    }
  };

  async function land(file: DeliveryFile, report: ReportRef, maxRejectedShare: number): Promise<LandedFile> {
    const signal = cancellation();
    const deliveryNumber = await nextDeliveryNumber(database, signal);
    const address = (await addresses(file, report, signal))[fileName(file)];
    if (address === undefined) {
      throw failure('FileNotAvailable', `${describeFile(file)} no longer has a URL.`);
    }
    const original = await landing.create(file, deliveryNumber);
    const rows = new CheckedRows(landing.directoryOf(file), deliveryNumber);
    try {
      const warnings: string[] = [];
      const download = downloader.download(fileName(file), address, signal, (warning) =>
        warnings.push(warning),
      );
      const chunks = keeping(download, original);
      const checked = await checkFile(chunks, file.feed, rows, { maxRejectedShare }).catch(
        async (error: unknown) => {
          if (!(error instanceof FileRefused)) throw error;
          await original.commit();
          throw failure('FileRefused', `${describeFile(file)} is refused: ${error.message}.`);
        },
      );
      const sha256 = await original.commit();
      warnings.push(...checked.warnings);
      const landed = { ...file, deliveryNumber, bytes: original.bytes, sha256, ...checked, warnings };
      const { holdsNames } = await landRows(database, landed, rows, signal);
      if (holdsNames) await landing.remove(file, deliveryNumber);
      await landing.removeOlder(file, deliveryNumber);
      return landed;
    } finally {
      await rows.close();
      await original.discard();
    }
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

/** Writes the bytes to a file on their way. */
async function* keeping(chunks: AsyncIterable<Buffer>, original: AtomicFile): AsyncGenerator<Buffer> {
  for await (const chunk of chunks) {
    await original.write(chunk);
    yield chunk;
  }
}
