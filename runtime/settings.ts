import { DAY_MS, formatDuration, HOUR_MS, MINUTE_MS, SECOND_MS } from '../domain/durations.ts';
import { RUN_OPTIONS, type RunOption, type RunOptionSettings } from '../domain/run-options.ts';
import { databaseUrl, libpqFaults } from './database-url.ts';
import {
  address,
  baseUrl,
  buildId,
  deploymentName,
  duration,
  headerValue,
  httpUrl,
  incrementFiles,
  integer,
  name,
  oneOf,
  otlpHeaders,
  payloadKeys,
  share,
  text,
  timeOfDay,
  timeZone,
  yesOrNo,
} from './setting-parsers.ts';

/** One setting of the environment: everything that code and docs know about it. */
export interface Setting<T> {
  readonly meaning: string;
  /** As it would be written in the environment; undefined: there is none. */
  readonly default?: string;
  /** Without a value the program does not start. */
  readonly required?: boolean;
  readonly secret?: boolean;
  /** Throws an Error whose message is a clause: "must be …". */
  readonly parse: (text: string) => T;
}

/** One that always has a value: it is required, or has a default. */
type PresentSetting<T> = Setting<T> & ({ readonly default: string } | { readonly required: true });

function setting<T>(
  meaning: string,
  parse: (text: string) => T,
  more: { default: string; secret?: boolean } | { required: true; secret?: boolean },
): PresentSetting<T>;
function setting<T>(meaning: string, parse: (text: string) => T, more?: { secret: true }): Setting<T>;
function setting<T>(meaning: string, parse: (text: string) => T, more = {}): Setting<T> {
  return { meaning, parse, ...more };
}

const optional = { default: '' } as const;

function runOptionSettings() {
  const entries = Object.values(RUN_OPTIONS).map((option) => [option.setting, runOptionSetting(option)]);
  return Object.fromEntries(entries) as {
    readonly [N in keyof RunOptionSettings]: PresentSetting<RunOptionSettings[N]>;
  };
}

function runOptionSetting(option: RunOption): Setting<unknown> {
  const { meaning, minimum = 0 } = option;
  switch (option.type) {
    case 'duration':
      return setting(meaning, duration(minimum), { default: formatDuration(option.default) });
    case 'share':
      return setting(meaning, share, { default: String(option.default) });
    case 'files':
      return setting(meaning, incrementFiles, { default: option.default.join(',') });
  }
}

/** Every setting, once. docs/settings.md is generated from it. */
export const SETTINGS = {
  REPORT_API_URL: setting('Address of the report API', baseUrl, { required: true }),
  REPORT_API_KEY: setting('Key of the report API', headerValue, { required: true, secret: true }),
  REPORT_API_NICKNAME: setting('Nickname that the report API knows', headerValue, { required: true }),
  REPORT_API_COHORT: setting('Cohort that the report API knows', headerValue, { required: true }),
  REPORT_API_TIMEOUT: setting('Time limit of one call of the report API', duration(1, 4 * MINUTE_MS), {
    default: '30s',
  }),
  ...runOptionSettings(),
  MAX_FILE_BYTES: setting('Size in bytes beyond which a file is refused', integer(1), {
    default: '10737418240',
  }),
  DOWNLOAD_IDLE_TIMEOUT: setting('How long a download may stall', duration(1, HOUR_MS), {
    default: '30s',
  }),
  LANDING_DIR: setting('Where downloaded files are kept', text, { default: './var/landing' }),
  LANDING_RETENTION: setting('How long landed files are kept', duration(SECOND_MS), { default: '30d' }),
  REJECTED_RETENTION: setting('How long rejected rows are kept', duration(SECOND_MS), { default: '90d' }),
  HOUSEKEEPING_INTERVAL: setting(
    'How often a worker removes expired landed files and rejected rows',
    duration(100, HOUR_MS),
    { default: '1m' },
  ),
  DATABASE_URL: setting('PostgreSQL connection URL; if not set, the PG* variables apply', databaseUrl, {
    secret: true,
  }),
  DATABASE_POOL_SIZE: setting(
    'Size of the connection pool of one worker, which opens up to 2 more connections',
    integer(2, 1_000),
    {
      default: '10',
    },
  ),
  TEMPORAL_TASK_QUEUE: setting('The task queue', name, { default: 'sales-increment' }),
  TEMPORAL_DEPLOYMENT_NAME: setting(
    'The Worker Deployment that the worker is a version of; empty: no versioning (docs/upgrading.md)',
    deploymentName,
    optional,
  ),
  TEMPORAL_WORKER_BUILD_ID: setting(
    'Build id of the worker in its Worker Deployment; empty: the package version and the git commit',
    buildId,
    optional,
  ),
  SCHEDULE_TIME: setting('Time of day of the daily run, HH:MM', timeOfDay, { default: '05:00' }),
  SCHEDULE_TIME_ZONE: setting('Time zone of the daily run, an IANA name', timeZone, { default: 'UTC' }),
  SCHEDULE_OFFSET_DAYS: setting(
    'Days between the loaded day and the run: 1 loads yesterday',
    integer(0, 366),
    {
      default: '1',
    },
  ),
  SCHEDULE_CATCHUP_WINDOW: setting(
    'How far back missed runs are caught up after an outage',
    duration(7 * DAY_MS),
    {
      default: '30d',
    },
  ),
  ALERT_WEBHOOK_URL: setting(
    'Webhook for alerts: a day failed, is late or has few rows (JSON, Slack-compatible)',
    httpUrl,
    {
      secret: true,
    },
  ),
  TEMPORAL_UI_URL: setting('Address of the Temporal UI, for links in messages', baseUrl, {
    default: 'http://localhost:8233',
  }),
  PAYLOAD_KEYS: setting(
    'Payload encryption keys, comma-separated, each id:base64 of 32 bytes; the first one encrypts',
    payloadKeys,
    {
      default: '',
      secret: true,
    },
  ),
  PAYLOAD_ACCEPT_PLAIN: setting(
    'true: with PAYLOAD_KEYS, payloads that are not encrypted are accepted too, for a change-over',
    yesOrNo,
    { default: 'false' },
  ),
  CODEC_SERVER_ADDRESS: setting('Where the codec server listens', address, { default: '127.0.0.1:8888' }),
  CODEC_SERVER_TOKEN: setting(
    'Bearer token that the codec server requires; needed where other machines reach it',
    headerValue,
    { secret: true },
  ),
  CODEC_SERVER_ENCODE: setting('true: the codec server encrypts as well (/encode)', yesOrNo, {
    default: 'false',
  }),
  METRICS_ADDRESS: setting(
    'Where the worker serves Prometheus metrics, e.g. 0.0.0.0:9464; empty: nowhere',
    address,
  ),
  HEALTH_ADDRESS: setting(
    'Where the worker serves /healthz and /readyz, e.g. 0.0.0.0:8080; empty: nowhere',
    address,
  ),
  LOG_LEVEL: setting(
    'What the worker logs: TRACE, DEBUG, INFO, WARN or ERROR',
    oneOf('TRACE', 'DEBUG', 'INFO', 'WARN', 'ERROR'),
    { default: 'INFO' },
  ),
  WORKER_SHUTDOWN_GRACE: setting(
    'Time that a stopping worker gives its activities to finish',
    duration(0, HOUR_MS),
    {
      default: '10s',
    },
  ),
  OTEL_EXPORTER_OTLP_METRICS_ENDPOINT: setting(
    "Collector that gets the worker's metrics, e.g. http://localhost:4318/v1/metrics; instead of METRICS_ADDRESS",
    httpUrl,
  ),
  OTEL_EXPORTER_OTLP_HEADERS: setting('Headers for the collector, name=value, comma-separated', otlpHeaders, {
    secret: true,
  }),
} as const satisfies Record<string, Setting<unknown>>;

export type SettingName = keyof typeof SETTINGS;

type ValueOf<S> = S extends PresentSetting<infer T> ? T : S extends Setting<infer T> ? T | undefined : never;
type Values<N extends SettingName> = { [K in N]: ValueOf<(typeof SETTINGS)[K]> };

/** All faults of the environment at once, each with the setting's name and what to do. */
export class SettingsError extends Error {
  override readonly name = 'SettingsError';
  readonly faults: readonly string[];

  constructor(faults: readonly string[]) {
    super(
      `${faults.length} setting${faults.length > 1 ? 's' : ''} cannot be used:\n${faults.map((f) => `  ${f}`).join('\n')}`,
    );
    this.faults = faults;
  }
}

/** Reads the named settings. An empty value counts as none. Throws `SettingsError`. */
export function readSettings<N extends SettingName>(env: NodeJS.ProcessEnv, names: readonly N[]): Values<N> {
  const faults: string[] = [];
  const values: Partial<Record<SettingName, unknown>> = {};
  for (const name of names) {
    const { default: fallback, required, parse, meaning, secret }: Setting<unknown> = SETTINGS[name];
    const given = env[name];
    const value = given === undefined || given.trim() === '' ? fallback : given;
    if (value === undefined) {
      if (required) faults.push(`${name} is not set (${meaning}).`);
      continue;
    }
    try {
      values[name] = parse(value);
    } catch (error) {
      const shown = secret ? '' : `, but is "${withoutCredentials(value)}"`;
      faults.push(`${name} ${error instanceof Error ? error.message : 'cannot be read'}${shown}.`);
    }
  }
  if (
    (names as readonly string[]).includes('DATABASE_URL') &&
    !values.DATABASE_URL &&
    !hasLibpqSettings(env)
  ) {
    if (!faults.some((fault) => fault.startsWith('DATABASE_URL'))) {
      faults.push(
        'DATABASE_URL is not set (PostgreSQL), and neither are PGHOST, PGPORT, PGDATABASE or PGUSER.',
      );
    }
  }
  if ((names as readonly string[]).includes('DATABASE_URL'))
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

function hasLibpqSettings(env: NodeJS.ProcessEnv): boolean {
  return ['PGHOST', 'PGDATABASE', 'PGUSER', 'PGPORT'].some((name) => (env[name] ?? '') !== '');
}
