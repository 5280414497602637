import { DAY_MS, HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/durations.ts';
import { RUN_OPTIONS, type RunOptionSettings } from '../domain/run-options.ts';
import { databaseUrl, libpqFaults } from './database-url.ts';
import * as to from './setting-parsers.ts';

/** One setting of the environment: everything that code and docs know about it. */
export interface Setting<T> {
  readonly meaning: string;
  /** Throws an Error whose message is a clause: "must be …". */
  readonly parse: (text: string) => T;
  /** As it would be written in the environment; undefined: there is none. */
  readonly default?: string;
  /** Without a value the program does not start. */
  readonly required?: boolean;
  readonly secret?: boolean;
}

/** One that always has a value: it is required, or has a default. */
type PresentSetting<T> = Setting<T> & ({ readonly default: string } | { readonly required: true });

function setting<T>(meaning: string, parse: (text: string) => T, value: string): PresentSetting<T>;
function setting<T>(meaning: string, parse: (text: string) => T): Setting<T>;
function setting<T>(meaning: string, parse: (text: string) => T, value?: string): Setting<T> {
  return { meaning, parse, ...(value !== undefined && { default: value }) };
}

function required<T>(meaning: string, parse: (text: string) => T): PresentSetting<T> {
  return { meaning, parse, required: true };
}

function secret<S extends Setting<unknown>>(setting: S): S {
  return { ...setting, secret: true };
}

const OPTION_PARSERS = { duration: to.duration, share: () => to.share, files: () => to.incrementFiles };

function runOptionSettings() {
  const entries = Object.values(RUN_OPTIONS).map((option) => [
    option.setting,
    setting<unknown>(option.meaning, OPTION_PARSERS[option.type](option.minimum), option.default),
  ]);
  return Object.fromEntries(entries) as {
    readonly [N in keyof RunOptionSettings]: PresentSetting<RunOptionSettings[N]>;
  };
}

/** Every setting, once. docs/settings.md is generated from it. */
export const SETTINGS = {
  REPORT_API_URL: required('Address of the report API', to.baseUrl),
  REPORT_API_KEY: secret(required('Key of the report API', to.headerValue)),
  REPORT_API_NICKNAME: required('Nickname that the report API knows', to.headerValue),
  REPORT_API_COHORT: required('Cohort that the report API knows', to.headerValue),
  REPORT_API_TIMEOUT: setting(
    'Time limit of one call of the report API',
    to.duration(1, 4 * MINUTE_MS),
    '30s',
  ),
  ...runOptionSettings(),
  MAX_FILE_BYTES: setting('Size in bytes beyond which a file is refused', to.integer(1), '10737418240'),
  DOWNLOAD_IDLE_TIMEOUT: setting('How long a download may stall', to.duration(1, HOUR_MS), '30s'),
  LANDING_DIR: setting('Where downloaded files are kept', to.text, './var/landing'),
  LANDING_RETENTION: setting('How long landed files are kept', to.duration(SECOND_MS), '30d'),
  REJECTED_RETENTION: setting('How long rejected rows are kept', to.duration(SECOND_MS), '90d'),
  HOUSEKEEPING_INTERVAL: setting(
    'How often a worker removes expired landed files and rejected rows',
    to.duration(100, HOUR_MS),
    '1m',
  ),
  DATABASE_URL: secret(
    setting('PostgreSQL connection URL; if not set, the PG* variables apply', databaseUrl),
  ),
  DATABASE_POOL_SIZE: setting(
    'Size of the connection pool of one worker, which opens up to 2 more connections',
    to.integer(2, 1_000),
    '10',
  ),
  TEMPORAL_TASK_QUEUE: setting('The task queue', to.name, 'sales-increment'),
  TEMPORAL_DEPLOYMENT_NAME: setting(
    'The Worker Deployment that the worker is a version of; empty: no versioning (docs/upgrading.md)',
    to.deploymentName,
    '',
  ),
  TEMPORAL_WORKER_BUILD_ID: setting(
    'Build id of the worker in its Worker Deployment; empty: the package version and the git commit',
    to.buildId,
    '',
  ),
  SCHEDULE_TIME: setting('Time of day of the daily run, HH:MM', to.timeOfDay, '05:00'),
  SCHEDULE_TIME_ZONE: setting('Time zone of the daily run, an IANA name', to.timeZone, 'UTC'),
  SCHEDULE_OFFSET_DAYS: setting(
    'Days between the loaded day and the run: 1 loads yesterday',
    to.integer(0, 366),
    '1',
  ),
  SCHEDULE_CATCHUP_WINDOW: setting(
    'How far back missed runs are caught up after an outage',
    to.duration(7 * DAY_MS),
    '30d',
  ),
  ALERT_WEBHOOK_URL: secret(
    setting('Webhook for alerts: a day failed, is late or has few rows (JSON, Slack-compatible)', to.httpUrl),
  ),
  TEMPORAL_UI_URL: setting(
    'Address of the Temporal UI, for links in messages',
    to.baseUrl,
    'http://localhost:8233',
  ),
  PAYLOAD_KEYS: secret(
    setting(
      'Payload encryption keys, comma-separated, each id:base64 of 32 bytes; the first one encrypts',
      to.payloadKeys,
      '',
    ),
  ),
  PAYLOAD_ACCEPT_PLAIN: setting(
    'true: with PAYLOAD_KEYS, payloads that are not encrypted are accepted too, for a change-over',
    to.yesOrNo,
    'false',
  ),
  CODEC_SERVER_ADDRESS: setting('Where the codec server listens', to.address, '127.0.0.1:8888'),
  CODEC_SERVER_TOKEN: secret(
    setting(
      'Bearer token that the codec server requires; needed where other machines reach it',
      to.headerValue,
    ),
  ),
  CODEC_SERVER_ENCODE: setting('true: the codec server encrypts as well (/encode)', to.yesOrNo, 'false'),
  METRICS_ADDRESS: setting(
    'Where the worker serves Prometheus metrics, e.g. 0.0.0.0:9464; empty: nowhere',
    to.address,
  ),
  HEALTH_ADDRESS: setting(
    'Where the worker serves /healthz and /readyz, e.g. 0.0.0.0:8080; empty: nowhere',
    to.address,
  ),
  LOG_LEVEL: setting(
    'What the worker logs: TRACE, DEBUG, INFO, WARN or ERROR',
    to.oneOf('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'),
    'INFO',
  ),
  WORKER_SHUTDOWN_GRACE: setting(
    'Time that a stopping worker gives its activities to finish',
    to.duration(0, HOUR_MS),
    '10s',
  ),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: setting(
    "Collector that gets the worker's metrics, e.g. http://localhost:4318/v1/metrics; instead of METRICS_ADDRESS",
    to.httpUrl,
  ),
  OTEL_EXPORTER_OTLP_HEADERS: secret(
    setting('Headers for the collector, name=value, comma-separated', to.otlpHeaders),
  ),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

type ValueOf<S> = S extends PresentSetting<infer T> ? T : S extends Setting<infer T> ? T | undefined : never;
type Values<N extends SettingName> = { [K in N]: ValueOf<(typeof SETTINGS)[K]> };

/** All faults of the environment at once, each with the setting's name and what to do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    const lines = faults.map((fault) => `\n  ${fault}`);
    super(`${faults.length} setting${faults.length > 1 ? 's' : ''} cannot be used:${lines.join('')}`);
    this.faults = faults;
  }
}

/** Reads the named settings. An empty value counts as none. Throws `SettingsError`. */
export function readSettings<N extends SettingName>(env: NodeJS.ProcessEnv, names: readonly N[]): Values<N> {
  const faults: string[] = [];
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const { default: fallback, required, parse, meaning, secret }: Setting<unknown> = SETTINGS[name];
    const value = env[name]?.trim() ? env[name] : fallback;
    try {
      if (value !== undefined) values[name] = parse(value);
      else if (required) faults.push(`${name} is not set (${meaning}).`);
    } catch (error) {
      const shown = secret ? '' : `, but is "${withoutCredentials(value ?? '')}"`;
      faults.push(`${name} ${error instanceof Error ? error.message : 'cannot be read'}${shown}.`);
    }
  }
  const usesDatabase = names.some((name) => name === 'DATABASE_URL');
  if (usesDatabase && !faults.some((fault) => fault.startsWith('DATABASE_URL')))
    faults.push(...libpqFaults(values.DATABASE_URL as string | undefined, env));
  if (faults.length > 0) throw new SettingsError(faults);
  return values as Values<N>;
}

type Results<R extends readonly (() => unknown)[]> = { [I in keyof R]: ReturnType<R[I]> };

/** Reads several groups of settings; throws one `SettingsError` with the faults of all. */
export function readTogether<const R extends readonly (() => unknown)[]>(...reads: R): Results<R> {
  const faults = new Set<string>();
  const results = reads.map((read) => {
    try {
      return read();
    } catch (error) {
      if (!(error instanceof SettingsError)) throw error;
      for (const fault of error.faults) faults.add(fault);
      return undefined;
    }
  });
  if (faults.size > 0) throw new SettingsError([...faults]);
  return results as Results<R>;
}

/** A URL's user and password are secrets wherever it is shown. */
function withoutCredentials(text: string): string {
  return text.replace(/\/\/[^/\s]*@/g, '//***@');
}
