import type { BackfillDay } from '../../activities/backfill.ts';
import { steps } from './activities.ts';

/** An error in the record; the whole one stands in the day's own history and in `staging.day_load`. */
const MAX_ERROR_CHARACTERS = 300;
/** Days of one payload, which stays well below 64 KiB with them. */
const DAYS_PER_RECORD = 50;

/** What became of the days of a backfill, recorded in the database some days at a time. */
export class BackfillRecord {
  #pending: BackfillDay[] = [];

  async add({ date, outcome, error }: BackfillDay): Promise<void> {
    this.#pending.push({ date, outcome, error: error && shortened(error) });
    if (this.#pending.length >= DAYS_PER_RECORD) await this.flush();
  }

  async flush(): Promise<void> {
    const days = this.#pending;
    if (days.length === 0) return;
    this.#pending = [];
    const summary = `${days.length} days`;
    await steps.recordBackfillDays.executeWithOptions({ summary }, [days]);
  }
}

export function shortened(error: string): string {
  return error.length > MAX_ERROR_CHARACTERS ? `${error.slice(0, MAX_ERROR_CHARACTERS)}…` : error;
}
