import { runOptions } from '../../runtime/run-options.ts';

/** Of the runs of tests: what waits, waits for milliseconds. */
export const FAST_OPTIONS = runOptions({
  REPORT_POLL_INTERVAL: '50ms',
  REPORT_TIMEOUT: '1m',
  FILES_TIMEOUT: '30s',
  LATE_AFTER: '0s',
  VOLUME_ALERT_SHARE: '0',
});
