import { activityInfo } from '@temporalio/activity';
import type { CheckedFile, StagedFile } from '../domain/day.ts';
import { stageFile as stage } from '../pipeline/load/stage-file.ts';
import { countRows } from './count-rows.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedFileInput, checkedInput } from './inputs.ts';

/** Replaces what is staged of one date and file, in one transaction. */
export function stageFile({ database, landing, now }: ActivityDependencies) {
  return async function stageFile(input: CheckedFile): Promise<StagedFile> {
    const file = checkedInput(checkedFileInput, input);
    const run = { ...currentRun(), attempt: activityInfo().attempt, startedAt: now() };
    const staged = await stage(database, landing.pathsOf(file), file, run, cancellation());
    if (!staged.superseded) countRows(file, staged);
    return staged;
  };
}
