/** What the value of an option is. */
interface OptionTypes {
  /** Milliseconds. */
  duration: number;
  share: number;
  /** Names of increment files. */
  files: string[];
}

type OptionType = keyof OptionTypes;

interface RunOption<S extends string, T extends OptionType> {
  /** The setting that it comes from. */
  readonly setting: S;
  readonly type: T;
  /** As it would be written in the environment. */
  readonly default: string;
  readonly meaning: string;
  /** Of a duration. */
  readonly minimum: number;
}

function option<const S extends string, T extends OptionType>(
  setting: S,
  type: T,
  value: string,
  meaning: string,
  minimum = 0,
): RunOption<S, T> {
  return { setting, type, default: value, meaning, minimum };
}

/**
 * What shapes a run, once. It travels with the run, since client and worker may have different environments. The
 * settings, the check of a run's input, the schedule's document and the docs follow from this table.
 */
export const RUN_OPTIONS = {
  reportPollIntervalMs: option(
    'REPORT_POLL_INTERVAL',
    'duration',
    '10s',
    'Time between two polls of a report or of missing files',
    1,
  ),
  reportTimeoutMs: option('REPORT_TIMEOUT', 'duration', '1h', 'Longest wait for a report', 1),
  filesTimeoutMs: option('FILES_TIMEOUT', 'duration', '30m', 'Longest wait for missing files'),
  optionalFiles: option(
    'OPTIONAL_FILES',
    'files',
    '',
    'Files whose absence does not stop a day, comma-separated',
  ),
  maxRejectedShare: option(
    'MAX_REJECTED_SHARE',
    'share',
    '0.1',
    'Share of bad rows in a file beyond which the day is refused',
  ),
  lateAfterMs: option(
    'LATE_AFTER',
    'duration',
    '2h',
    'An alert is sent for a day that takes longer; 0s: never',
  ),
  volumeAlertShare: option(
    'VOLUME_ALERT_SHARE',
    'share',
    '0.5',
    'Share of the median of its last 7 loaded days below which a file is loaded with a warning; 0: never',
  ),
};

type Table = typeof RUN_OPTIONS;

export type RunOptions = { [N in keyof Table]: OptionTypes[Table[N]['type']] };

/** The values of their settings. */
export type RunOptionSettings = { [N in keyof Table as Table[N]['setting']]: RunOptions[N] };
