import { FileRefused } from '../pipeline/validate/file-refused.ts';
import { prepareFile, type PreparedFile } from '../pipeline/validate/check-file.ts';
import type { CheckedFile, DeliveryRef, LandedFile } from '../domain/day.ts';
import { failure } from '../domain/failures.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface CheckRequest {
  delivery: DeliveryRef;
  file: LandedFile;
  maxRejectedShare: number;
}

/** Checks a landed file, as a whole and row by row, and lays its good and its bad rows ready beside it. */
export function checkFile({ landing }: ActivityDependencies) {
  return async function checkFile({ delivery, file, maxRejectedShare }: CheckRequest): Promise<CheckedFile> {
    let prepared: PreparedFile;
    try {
      prepared = await prepareFile({
        csvPath: landing.csvPath(delivery, file.file),
        file: file.file,
        loadDate: delivery.loadDate,
        rowsPath: landing.rowsPath(delivery, file.file, file.delivery),
        rejectedPath: landing.rejectedPath(delivery, file.file, file.delivery),
        maxRejectedShare,
        signal: cancellation(),
      });
    } catch (error) {
      if (!(error instanceof FileRefused)) throw error;
      throw failure('FileRefused', `${file.file} of ${delivery.loadDate} is refused: ${error.message}.`);
    }
    const { sha256, rowsRead, rowsRejected, rowsPrepared, warnings } = prepared;
    if (sha256 !== file.sha256) {
      throw failure(
        'LandedFileGone',
        `${file.file} of ${delivery.loadDate} has changed on disk since its download.`,
      );
    }
    await landing.dropOlder(delivery, file.file, file.delivery);
    return { ...file, rowsRead, rowsRejected, rowsPrepared, warnings };
  };
}
