import { stageFile as stage } from '../pipeline/load/stage-file.ts';
import type { CheckedFile, DeliveryRef, StagedFile } from '../domain/day.ts';
import { countRows } from './count-rows.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';

export interface StageFileRequest {
  delivery: DeliveryRef;
  file: CheckedFile;
}

/** Replaces what is staged of one date and file, in one transaction. */
export function stageFile({ database, landing, now }: ActivityDependencies) {
  return async function stageFile({ delivery, file }: StageFileRequest): Promise<StagedFile> {
    const staged = await stage(
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
    if (!staged.superseded) countRows(file, staged);
    return staged;
  };
}
