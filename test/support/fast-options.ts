import { runOptions } from '../../runtime/run-options.ts';

/** Of the runs of tests: what waits, waits for milliseconds; no limit ends a run on a busy machine. */
export const FAST_OPTIONS = runOptions({
  REPORT_POLL_INTERVAL: '50ms',
  REPORT_TIMEOUT: '10m',
  FILES_TIMEOUT: '10m',
  LATE_AFTER: '0s',
  VOLUME_ALERT_SHARE: '0',
});
