import { stageFile as stage } from '../loading/stage-file.ts';
import type { CheckedFile, DeliveryRef, StagedFile } from '../shared/day.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface StageFileRequest {
  delivery: DeliveryRef;
  file: CheckedFile;
}

/** Replaces what is staged of one date and file, in one transaction. */
export function stageFile({ database, landing, now }: ActivityDependencies) {
  return async function stageFile({ delivery, file }: StageFileRequest): Promise<StagedFile> {
    return await stage(
      database,
      {
        delivery,
        file,
        rowsPath: landing.rowsPath(delivery, file.file, file.delivery),
        rejectedPath: landing.rejectedPath(delivery, file.file, file.delivery),
        run: { ...currentRun(), startedAt: now() },
      },
      cancellation(),
    );
  };
}
