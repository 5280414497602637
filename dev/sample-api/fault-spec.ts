import { isDate } from './calendar.ts';
import { milliseconds } from './duration.ts';
import type { Fault, FaultAction, FaultTarget } from './faults.ts';

const TARGETS: readonly string[] = ['generate_report', 'get_report', 'get_increment', 'storage'];
const OPTIONS = ['times', 'skip', 'date', 'file', 'probability', 'seed', 'retry-after', 'body'];

// A value may hold colons (a URL, JSON), so only a colon before a known option's name ends it.
const SEPARATOR = new RegExp(`:(?=(?:${OPTIONS.join('|')})=)`);

export const FAULT_HELP = `
Faults (--fault, repeatable): TARGET:KIND[=VALUE][:OPTION=VALUE]…
  A request meets the first fault that matches it and has not been used up.

  TARGET  generate_report, get_report, get_increment, storage
  KIND    status=503                   this HTTP status; with :retry-after=2 (or date:+2 for an HTTP date
                                       two seconds ahead) and :body=TEXT
          reset, reset=1000            connection reset before the answer, or after 1000 bytes of its body
          truncate=1000                full Content-Length, but only 1000 bytes
          malformed-json               an answer that ends in the middle of its JSON
          json=[1,2]                   this JSON in place of the real answer
          trickle=100                  100 bytes a second
          hang                         never answered
          delay=5s                     answered after a while
          redirect=http://other/       302
          huge=1000000, huge=endless   so many bytes of filler
          report-status=FAILED, stuck  get_report: the report fails, or is RUNNING for ever
          not-found                    get_increment: there is no increment
          missing-files=a,b            get_increment, get_report: these files are not in s3_path
          empty-urls, null-data        get_increment, get_report: every URL is "", or "data" is null
  OPTION  times=3 (default 1; always: every time), skip=2 (let two pass first), probability=0.1 with seed=7,
          date=2024-02-25 (get_increment, storage), file=price_log_inc (storage)

  --fault storage:status=503:times=2:retry-after=1
  --fault get_increment:missing-files=customer_research_inc:times=3
  --fault storage:truncate=5000:file=user_order_log_inc:date=2024-02-25
`;

/** Reads a fault as it is written on the command line; throws an Error that says what is wrong with it. */
export function parseFault(spec: string): Fault {
  const [what = '', ...pairs] = spec.split(SEPARATOR);
  const [target = '', kind = '', value] = /^([^:]*):([^=]*)(?:=(.*))?$/s.exec(what)?.slice(1) ?? [];
  if (!isTarget(target)) {
    throw new Error(`"${spec}" is not written TARGET:KIND with a TARGET of ${TARGETS.join(', ')}`);
  }
  const options = new Map(
    pairs.map((pair) => [pair.slice(0, pair.indexOf('=')), pair.slice(pair.indexOf('=') + 1)]),
  );
  const fault: Fault = { on: target, action: parseAction(kind, value, options) };
  for (const [name, text] of options) setOption(fault, name, text);
  return fault;
}

function parseAction(kind: string, value: string | undefined, options: Map<string, string>): FaultAction {
  const needed = (): string => {
    if (value === undefined || value === '') throw new Error(`"${kind}" needs a value: ${kind}=…`);
    return value;
  };
  const number = (): number => toNumber(kind, needed());
  switch (kind) {
    case 'status': {
      const retryAfter = options.get('retry-after');
      const body = options.get('body');
      return {
        kind,
        status: number(),
        ...(retryAfter === undefined ? {} : { retryAfter }),
        ...(body === undefined ? {} : { body }),
      };
    }
    case 'reset':
      return value === undefined ? { kind } : { kind, afterBytes: number() };
    case 'truncate':
      return { kind, afterBytes: number() };
    case 'trickle':
      return { kind, bytesPerSecond: number() };
    case 'huge':
      return { kind, bytes: needed() === 'endless' ? Infinity : number() };
    case 'delay': {
      const ms = milliseconds(needed());
      if (ms === null) throw new Error(`delay=${needed()} is no duration: write it like 500ms, 2s or 10m`);
      return { kind, ms };
    }
    case 'json':
      return { kind, body: toJson(needed()) };
    case 'redirect':
      return { kind, location: needed() };
    case 'report-status':
      return { kind, status: needed() };
    case 'missing-files':
      return { kind, files: needed().split(',') };
    case 'malformed-json':
    case 'hang':
    case 'stuck':
    case 'not-found':
    case 'empty-urls':
    case 'null-data':
      if (value !== undefined) throw new Error(`"${kind}" takes no value`);
      return { kind };
    default:
      throw new Error(`there is no fault "${kind}"`);
  }
}

function setOption(fault: Fault, name: string, text: string): void {
  switch (name) {
    case 'times':
      fault.times = text === 'always' ? Infinity : toNumber(name, text);
      break;
    case 'skip':
    case 'probability':
    case 'seed':
      fault[name] = toNumber(name, text);
      break;
    case 'date':
      if (!isDate(text)) throw new Error(`date=${text} is not a date: write it YYYY-MM-DD`);
      fault.date = text;
      break;
    case 'file':
      fault.file = text;
      break;
    default:
      if (fault.action.kind !== 'status') throw new Error(`"${name}" goes only with status=…`);
  }
}

function isTarget(text: string): text is FaultTarget {
  return TARGETS.includes(text);
}

function toNumber(name: string, text: string): number {
  const number = Number(text);
  if (text.trim() === '' || !Number.isFinite(number) || number < 0) {
    throw new Error(`${name}=${text} is not a number from 0 up`);
  }
  return number;
}

function toJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new Error(`json=${text} is not JSON`, { cause: error });
  }
}
