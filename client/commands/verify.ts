import { setTimeout as sleep } from 'node:timers/promises';
import {
  isStagingDamaged,
  isUnderWay,
  repair,
  verify as differencesOf,
  withStagingDamage,
  type DateRange,
  type Difference,
} from '../../database/verify.ts';
import type { Verified } from '../../schemas/documents.ts';
import { checkRange } from '../arguments.ts';
import { withDatabase } from '../database.ts';
import { CommandFailed, type Output } from '../output.ts';

/** A date that is on its way into the mart gets there meanwhile. */
const LOOKS = 5;
const PAUSE_MS = 2_000;

export interface VerifyOptions extends DateRange {
  repair?: boolean;
}

/** `client verify`: compares the mart with its definition over staging, and mends it where that is wanted. */
export async function verify({ repair: mends, ...range }: VerifyOptions, output: Output): Promise<void> {
  const { from = null, to = null } = range;
  checkRange(range, Infinity);
  const { note } = output;
  const { found, left } = await withDatabase(async (database) => {
    let differences = await differencesOf(database, range, note);
    for (let look = 1; isUnderWay(differences) && look < LOOKS; look += 1) {
      note('Dates are staged and not in the mart yet: looking again, in case a run is loading them.');
      await sleep(PAUSE_MS);
      differences = await differencesOf(database, range, note);
    }
    if (mends && differences.length > 0) differences = await withStagingDamage(database, differences);
    if (!mends || differences.length === 0 || isStagingDamaged(differences))
      return { found: differences, left: differences };
    await repair(database, differences, range, note);
    return { found: differences, left: await differencesOf(database, range, note) };
  });
  const differences = found.map((one) => ({
    ...one,
    mended: !left.some(({ table, difference }) => table === one.table && difference === one.difference),
  }));
  const error = errorOf(left, mends ?? false);
  const document: Verified = { from, to, equal: left.length === 0, differences, error };
  const text = differences.map(describe).join('\n');
  if (error !== null) throw new CommandFailed(`${text}\n${error}`, 1, document);
  output.result(document, () => text || 'The mart is what its definition says.');
}

function errorOf(left: readonly Difference[], mends: boolean): string | null {
  if (left.length === 0) return null;
  if (isStagingDamaged(left))
    return (
      'Staging does not hold the rows that were loaded, so nothing can be mended by it. ' +
      'Load those dates again (`run --date`, or `bootstrap` for history), then verify again.'
    );
  return mends
    ? 'Not all of it could be mended, or a load was under way: verify again.'
    : 'The mart differs from its definition. `verify --repair` mends it.';
}

function describe({ table, difference, rows, first_keys: keys, mended }: Difference): string {
  const first = `${keys.join(', ')}${rows > keys.length ? ', …' : ''}`;
  return `${table}: ${rows} ${rows === 1 ? 'row' : 'rows'} ${difference} (${first})${mended ? '; mended' : ''}`;
}
