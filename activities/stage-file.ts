import { activityInfo } from '@temporalio/activity';
import type { Download, StagedFile } from '../domain/day.ts';
import { stageFile as stage } from '../pipeline/load/stage-file.ts';
import { countRows } from './count-rows.ts';
import { cancellation, currentRun } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, downloadInput } from '../domain/inputs.ts';

/** Replaces what is staged of one date and file by a download that has landed, in one transaction. */
export function stageFile({ database }: ActivityDependencies) {
  return async function stageFile(input: Download): Promise<StagedFile> {
    const file = checkedInput(downloadInput, input);
    const run = { ...currentRun(), attempt: activityInfo().attempt, startedAt: new Date() };
    const { staged, newBytes } = await stage(database, file, run, cancellation());
    if (newBytes > 0) countRows(staged, newBytes);
    return staged;
  };
}
