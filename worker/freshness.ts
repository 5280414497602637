import type { MetricMeter } from '@temporalio/common';
import type { Database } from '../database/database.ts';
import { newestDueDay, type DailySchedule } from '../domain/due-days.ts';
import { DAY_STATE_PARAMETERS, fileNames } from '../domain/feeds.ts';
import type { LoadDate } from '../domain/load-date.ts';
import type { FileVolume } from '../pipeline/load/outcome.ts';

const GAUGES = {
  age: ['sales_newest_loaded_day_age_seconds', 'float', 's', 'Since the end of the newest loaded day'],
  missing: ['sales_days_missing', 'int', '{days}', 'Days of the last 30 that were never loaded'],
  failed: [
    'sales_days_failed',
    'int',
    '{days}',
    'Days of the last 30 that failed, or are staged and not in the mart',
  ],
  volume: [
    'sales_newest_loaded_day_volume_ratio',
    'float',
    '1',
    'Rows kept of each file of the newest loaded day, per row of the median of its last 7 loaded days',
  ],
} as const;

interface Freshness {
  newest_loaded_date: LoadDate | null;
  newest_loaded_age_seconds: number | null;
  days_missing: number;
  days_failed: number;
}

/** Measures how fresh the mart is: the one thing that a worker which has nothing to do must still tell. */
export function freshness(
  database: Database,
  schedule: DailySchedule,
  meter: MetricMeter,
): () => Promise<void> {
  const age = meter.createGauge(...GAUGES.age);
  const missing = meter.createGauge(...GAUGES.missing);
  const failed = meter.createGauge(...GAUGES.failed);
  const volume = meter.createGauge(...GAUGES.volume);
  return async () => {
    const row = await database.one<Freshness & object>('status/freshness', [
      newestDueDay(schedule, new Date()),
      ...DAY_STATE_PARAMETERS,
      schedule.timeZone,
    ]);
    missing.set(row.days_missing);
    failed.set(row.days_failed);
    if (row.newest_loaded_date === null || row.newest_loaded_age_seconds === null) return;
    age.set(row.newest_loaded_age_seconds);
    const files = fileNames('increment');
    const parameters = [row.newest_loaded_date, files];
    const volumes = await database.query<FileVolume & object>('audit/volume', parameters);
    for (const file of files) {
      const found = volumes.find((one) => one.file === file);
      // Set for each file, so that none keeps the value of an earlier day.
      volume.set(found && found.median > 0 ? found.rows_kept / found.median : 1, { file });
    }
  };
}
