import { describeFile, type CheckedFile, type LandedFile } from '../domain/day.ts';
import { failure } from '../domain/failures.ts';
import { checkFile as check } from '../pipeline/validate/check-file.ts';
import { FileRefused } from '../pipeline/validate/file-refused.ts';
import { cancellation } from './current-run.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { checkedInput, landedFileInput, shareInput } from './inputs.ts';

/** Checks a landed file, as a whole and row by row, and writes its good and its bad rows beside it. */
export function checkFile({ landing }: ActivityDependencies) {
  return async function checkFile(input: LandedFile, maxRejectedShare: number): Promise<CheckedFile> {
    const file = checkedInput(landedFileInput, input);
    checkedInput(shareInput, maxRejectedShare);
    try {
      await landing.makeDirectories(file);
      const checked = await check(landing.pathsOf(file), file, { maxRejectedShare, signal: cancellation() });
      await landing.dropOlder(file);
      return checked;
    } catch (error) {
      if (!(error instanceof FileRefused)) throw error;
      throw failure('FileRefused', `${describeFile(file)} is refused: ${error.message}.`);
    }
  };
}
