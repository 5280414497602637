import type { MetricMeter } from '@temporalio/common';
import type { Database } from '../database/database.ts';
import { newestDueDay, type DailySchedule } from '../domain/due-days.ts';
import { DAY_STATE_PARAMETERS, fileNames } from '../domain/feeds.ts';
import type { LoadDate } from '../domain/load-date.ts';
import type { FileVolume } from '../pipeline/load/outcome.ts';
import { every } from './every.ts';

const EVERY_MS = 60_000;

interface Freshness {
  newest_loaded_date: LoadDate | null;
  newest_loaded_age_seconds: number | null;
  days_missing: number;
  days_failed: number;
}

/**
 * Measures, once a minute, how fresh the mart is: the one thing that a worker which has nothing to do must still
 * tell. Returns how to stop it.
 */
export function measureFreshness(
  database: Database,
  schedule: DailySchedule,
  meter: MetricMeter,
  onError: (error: unknown) => void,
): () => Promise<void> {
  const age = meter.createGauge(
    'sales_newest_loaded_day_age_seconds',
    'float',
    's',
    'Since the end of the newest loaded day',
  );
  const missing = meter.createGauge(
    'sales_days_missing',
    'int',
    '{days}',
    'Days of the last 30 that were never loaded',
  );
  const failed = meter.createGauge(
    'sales_days_failed',
    'int',
    '{days}',
    'Days of the last 30 that failed, or are staged and not in the mart',
  );
  const volume = meter.createGauge(
    'sales_newest_loaded_day_volume_ratio',
    'float',
    '1',
    'Rows kept of each file of the newest loaded day, per row of the median of its last 7 loaded days',
  );
  const measure = async () => {
    const [row] = await database.query<Freshness & object>('status/freshness', [
      newestDueDay(schedule, new Date()),
      ...DAY_STATE_PARAMETERS,
      schedule.timeZone,
    ]);
    if (!row) return;
    missing.set(row.days_missing);
    failed.set(row.days_failed);
    if (row.newest_loaded_date === null || row.newest_loaded_age_seconds === null) return;
    age.set(row.newest_loaded_age_seconds);
    const files = fileNames('increment');
    const volumes = await database.query<FileVolume & object>('audit/volume', [
      row.newest_loaded_date,
      files,
    ]);
    for (const file of files) {
      const found = volumes.find((one) => one.file === file);
      // Set for each file, so that none keeps the value of an earlier day.
      volume.set(found && found.median > 0 ? found.rows_kept / found.median : 1, { file });
    }
  };
  return every(EVERY_MS, measure, onError);
}
