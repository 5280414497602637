import { HOUR_MS, MINUTE_MS, SECOND_MS } from './durations.ts';

/** What the value of an option is. */
interface OptionTypes {
  /** Milliseconds. */
  duration: number;
  share: number;
  /** Names of increment files. */
  files: string[];
}

interface OptionOf<T extends keyof OptionTypes> {
  /** The setting that it comes from. */
  readonly setting: string;
  readonly meaning: string;
  readonly type: T;
  /** Of a duration; absent: 0. */
  readonly minimum?: number;
  readonly default: Readonly<OptionTypes[T]>;
}

export type RunOption = { [T in keyof OptionTypes]: OptionOf<T> }[keyof OptionTypes];

/**
 * What shapes a run, once. It travels with the run, since client and worker may have different environments. The
 * settings, the check of a run's input, the schedule's document and the docs follow from this table.
 */
export const RUN_OPTIONS = {
  reportPollIntervalMs: {
    setting: 'REPORT_POLL_INTERVAL',
    meaning: 'Time between two polls of a report or of missing files',
    type: 'duration',
    minimum: 1,
    default: 10 * SECOND_MS,
  },
  reportTimeoutMs: {
    setting: 'REPORT_TIMEOUT',
    meaning: 'Longest wait for a report',
    type: 'duration',
    minimum: 1,
    default: HOUR_MS,
  },
  filesTimeoutMs: {
    setting: 'FILES_TIMEOUT',
    meaning: 'Longest wait for missing files',
    type: 'duration',
    default: 30 * MINUTE_MS,
  },
  optionalFiles: {
    setting: 'OPTIONAL_FILES',
    meaning: 'Files whose absence does not stop a day, comma-separated',
    type: 'files',
    default: [],
  },
  maxRejectedShare: {
    setting: 'MAX_REJECTED_SHARE',
    meaning: 'Share of bad rows in a file beyond which the day is refused',
    type: 'share',
    default: 0.1,
  },
  lateAfterMs: {
    setting: 'LATE_AFTER',
    meaning: 'An alert is sent for a day that takes longer; 0s: never',
    type: 'duration',
    default: 2 * HOUR_MS,
  },
  volumeAlertShare: {
    setting: 'VOLUME_ALERT_SHARE',
    meaning:
      'Share of the median of its last 7 loaded days below which a file is loaded with a warning; 0: never',
    type: 'share',
    default: 0.5,
  },
} as const satisfies Record<string, RunOption>;

type Table = typeof RUN_OPTIONS;

export type RunOptions = { -readonly [N in keyof Table]: OptionTypes[Table[N]['type']] };

/** The values of their settings. */
export type RunOptionSettings = { [N in keyof Table as Table[N]['setting']]: RunOptions[N] };
