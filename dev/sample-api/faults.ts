import { z } from 'zod';

const TARGETS = ['generate_report', 'get_report', 'get_increment', 'storage'] as const;
export type FaultTarget = (typeof TARGETS)[number];

/** Which requests meet a fault. */
const WHICH = {
  on: z.enum(TARGETS),
  /** How many matching requests fail (1); -1: all of them. */
  times: z.int().min(-1).optional(),
  /** How many matching requests pass first (0). */
  skip: z.int().min(0).optional(),
  /** Only requests for this date, YYYY-MM-DD: of get_increment, or of storage for an increment's file. */
  date: z.iso.date().optional(),
  /** Only storage requests for this file, e.g. `user_order_log_inc`. */
  file: z.string().optional(),
};

function fault<Name extends string, Shape extends z.core.$ZodLooseShape>(
  name: Name,
  shape: Shape,
  targets: readonly FaultTarget[] = TARGETS,
) {
  return z
    .strictObject({ do: z.literal(name), ...WHICH, ...shape })
    .refine((value) => targets.includes((value as { on: FaultTarget }).on), {
      path: ['on'],
      error: `"${name}" works on ${targets.join(' and ')} only`,
    });
}

const bytes = z.int().min(0);
const WITH_DATA = ['get_increment', 'get_report'] as const;

/** One fault, for one kind of request. In JSON as in code: `{ on: 'storage', do: 'reset', afterBytes: 1000 }`. */
const faultSchema = z.discriminatedUnion('do', [
  /** `retryAfter: 'date:+2'` sends the HTTP date two seconds ahead, anything else is sent as it is. */
  fault('status', {
    status: z.int().min(200).max(599),
    retryAfter: z.union([z.string(), z.number()]).optional(),
    body: z.string().optional(),
  }),
  /** The connection is reset: before the answer, or after so many bytes of its body. */
  fault('reset', { afterBytes: bytes.optional() }),
  /** The Content-Length is the whole body's, the body ends sooner, and the connection is closed in good order. */
  fault('truncate', { afterBytes: bytes }),
  /** An answer that ends in the middle of its JSON. */
  fault('malformed-json', {}),
  /** This JSON in place of the real answer. */
  fault('json', { body: z.unknown() }),
  fault('trickle', { bytesPerSecond: z.number().positive() }),
  /** The request is read and never answered. */
  fault('hang', {}),
  fault('delay', { ms: z.number().min(0) }),
  fault('redirect', { location: z.string() }),
  /** Filler of so many bytes (-1: without an end) and no Content-Length. */
  fault('huge', { bytes: z.int().min(-1) }),
  /** The report ends with this status. It keeps it: a failed report stays failed. */
  fault('report-status', { status: z.string() }, ['get_report']),
  /** The report is RUNNING for ever. */
  fault('stuck', {}, ['get_report']),
  fault('not-found', {}, ['get_increment']),
  /** Every URL is "". */
  fault('empty-urls', {}, WITH_DATA),
  fault('null-data', {}, WITH_DATA),
  fault('missing-files', { files: z.array(z.string()) }, WITH_DATA),
]);

export type Fault = z.infer<typeof faultSchema>;

type WithoutTarget<F> = F extends unknown ? Omit<F, keyof typeof WHICH> : never;
/** What a fault does, whatever it is done to. */
export type FaultAction = WithoutTarget<Fault>;

export interface FaultQuery {
  on: FaultTarget;
  date?: string | undefined;
  file?: string | undefined;
}

/** Checks a list of faults; the error names what is wrong with it. */
export function parseFaults(json: unknown): Fault[] {
  const { data, error } = z.array(faultSchema).safeParse(json);
  if (error) throw new Error(z.prettifyError(error));
  return data;
}

interface Armed {
  fault: Fault;
  passed: number;
  fired: number;
}

/** The faults in force. A request meets the first one that matches and still has something to do. */
export class Faults {
  #armed: Armed[] = [];

  add(fault: Fault): void {
    parseFaults([fault]);
    this.#armed.push({ fault, passed: 0, fired: 0 });
  }

  clear(): void {
    this.#armed = [];
  }

  take(query: FaultQuery): Fault | null {
    return this.#armed.find((armed) => matches(armed.fault, query) && fires(armed))?.fault ?? null;
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
  const { times = 1, skip = 0 } = armed.fault;
  if (times !== -1 && armed.fired >= times) return false;
  if (armed.passed < skip) {
    armed.passed += 1;
    return false;
  }
  armed.fired += 1;
  return true;
}
