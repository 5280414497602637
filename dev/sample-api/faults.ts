import { Random } from './random.ts';

export type FaultTarget = 'generate_report' | 'get_report' | 'get_increment' | 'storage';

/** Faults that any request can meet. */
type HttpFault =
  /** `retryAfter: 'date:+2'` sends the HTTP date two seconds ahead, anything else is sent as it is. */
  | { kind: 'status'; status: number; retryAfter?: string | number; body?: string }
  /** The connection is reset: before the answer, or after so many bytes of its body. */
  | { kind: 'reset'; afterBytes?: number }
  /** The Content-Length is the whole body's, the body ends sooner, and the connection is closed in good order. */
  | { kind: 'truncate'; afterBytes: number }
  | { kind: 'malformed-json' }
  | { kind: 'json'; body: unknown }
  | { kind: 'trickle'; bytesPerSecond: number }
  /** The request is read and never answered. */
  | { kind: 'hang' }
  | { kind: 'redirect'; location: string }
  | { kind: 'delay'; ms: number }
  /** Filler of so many bytes (Infinity: without an end) and no Content-Length. */
  | { kind: 'huge'; bytes: number };

/** A task that meets one of these keeps it: a failed report stays failed. */
type TaskFault = { kind: 'report-status'; status: string } | { kind: 'stuck' };

/** What is wrong with the `data` of an answer that has some. */
type DataFault =
  { kind: 'empty-urls' } | { kind: 'null-data' } | { kind: 'missing-files'; files: readonly string[] };

export type FaultAction = HttpFault | TaskFault | DataFault | { kind: 'not-found' };

export interface Fault {
  on: FaultTarget;
  /** How many matching requests fail (1); Infinity: all of them. */
  times?: number;
  /** How many matching requests pass first (0). */
  skip?: number;
  /** Only requests for this date, YYYY-MM-DD: of get_increment, or of storage for an increment's file. */
  date?: string;
  /** Only storage requests for this file, e.g. `user_order_log_inc`. */
  file?: string;
  /** The share of matching requests that fail, 0 to 1 (1), drawn from `seed` (1): the same draw every time. */
  probability?: number;
  seed?: number;
  action: FaultAction;
}

export interface FaultQuery {
  on: FaultTarget;
  date?: string | undefined;
  file?: string | undefined;
}

const ONLY_ON: Partial<Record<FaultAction['kind'], readonly FaultTarget[]>> = {
  'report-status': ['get_report'],
  stuck: ['get_report'],
  'not-found': ['get_increment'],
  'empty-urls': ['get_increment', 'get_report'],
  'null-data': ['get_increment', 'get_report'],
  'missing-files': ['get_increment', 'get_report'],
};

interface Armed {
  fault: Fault;
  passed: number;
  fired: number;
  draw: Random;
}

/** The faults in force. A request meets the first one that matches and still has something to do. */
export class Faults {
  #armed: Armed[] = [];

  add(fault: Fault): void {
    const targets = ONLY_ON[fault.action.kind];
    if (targets && !targets.includes(fault.on)) {
      throw new Error(
        `The fault "${fault.action.kind}" works on ${targets.join(' and ')}, not on ${fault.on}`,
      );
    }
    if (fault.action.kind === 'status' && !(fault.action.status >= 200 && fault.action.status <= 599)) {
      throw new Error(`A fault's status is 200 to 599, not ${fault.action.status}`);
    }
    if (fault.action.kind === 'trickle' && !(fault.action.bytesPerSecond > 0)) {
      throw new Error('A trickle needs more than 0 bytes a second');
    }
    this.#armed.push({ fault, passed: 0, fired: 0, draw: new Random(fault.seed ?? 1) });
  }

  clear(): void {
    this.#armed = [];
  }

  take(query: FaultQuery): FaultAction | null {
    return this.#armed.find((armed) => matches(armed.fault, query) && fires(armed))?.fault.action ?? null;
  }
}

function matches(fault: Fault, { on, date, file }: FaultQuery): boolean {
  return (
    fault.on === on &&
    (fault.date === undefined || fault.date === date) &&
    (fault.file === undefined || fault.file === file)
  );
}

function fires(armed: Armed): boolean {
  const { times = 1, skip = 0, probability = 1 } = armed.fault;
  if (armed.fired >= times) return false;
  if (armed.passed < skip) {
    armed.passed += 1;
    return false;
  }
  if (probability < 1 && armed.draw.next() >= probability) return false;
  armed.fired += 1;
  return true;
}
