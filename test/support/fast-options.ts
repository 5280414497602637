import type { RunOptions } from '../../domain/day.ts';

/** Of the runs of tests: what waits, waits for milliseconds; no limit ends a run on a busy machine. */
export const FAST_OPTIONS: RunOptions = {
  reportPollIntervalMs: 50,
  reportTimeoutMs: 600_000,
  filesTimeoutMs: 600_000,
  optionalFiles: [],
  maxRejectedShare: 0.1,
  lateAfterMs: 0,
  volumeAlertShare: 0,
};
