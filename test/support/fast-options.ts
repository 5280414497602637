import type { RunOptions } from '../../domain/day.ts';

/** Of the runs of tests: what waits, waits for milliseconds. */
export const FAST_OPTIONS: RunOptions = {
  reportPollIntervalMs: 50,
  reportTimeoutMs: 60_000,
  filesTimeoutMs: 30_000,
  optionalFiles: [],
  maxRejectedShare: 0.1,
  lateAfterMs: 0,
  volumeAlertShare: 0,
};
