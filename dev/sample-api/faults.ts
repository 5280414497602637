export type FaultTarget = 'generate_report' | 'get_report' | 'get_increment' | 'storage';

/** What a fault does, whatever it is done to. */
export type FaultAction =
  /** `retryAfter: 'date:+2'` sends the HTTP date two seconds ahead, anything else is sent as it is. */
  | { do: 'status'; status: number; retryAfter?: string | number; body?: string }
  /** The connection is reset: before the answer, or after so many bytes of its body. */
  | { do: 'reset'; afterBytes?: number }
  /** The body ends sooner than it should, and the connection is closed in good order. */
  | { do: 'truncate'; afterBytes: number }
  /** An answer that ends in the middle of its JSON. */
  | { do: 'malformed-json' }
  /** This JSON in place of the real answer. */
  | { do: 'json'; body: unknown }
  | { do: 'trickle'; bytesPerSecond: number }
  /** The request is read and never answered. */
  | { do: 'hang' }
  | { do: 'delay'; ms: number }
  | { do: 'redirect'; location: string }
  /** Filler without an end and no Content-Length. */
  | { do: 'endless' }
  /** Of get_report: the report ends with this status, and keeps it. */
  | { do: 'report-status'; status: string }
  /** Of get_report and get_increment: every URL is "", there is no data, or some files are not there. */
  | { do: 'empty-urls' }
  | { do: 'null-data' }
  | { do: 'missing-files'; files: string[] };

export type Fault = FaultAction & {
  on: FaultTarget;
  /** How many matching requests fail (1); -1: all of them. */
  times?: number;
  /** Only requests for this date, YYYY-MM-DD: of get_increment, or of storage for an increment's file. */
  date?: string;
  /** Only storage requests for this file, e.g. `user_order_log_inc`. */
  file?: string;
};

export interface FaultQuery {
  on: FaultTarget;
  date?: string | undefined;
  file?: string | undefined;
}

/** The faults in force. A request meets the first one that matches and still has something to do. */
export class Faults {
  #armed: { fault: Fault; left: number }[] = [];

  add(fault: Fault): void {
    const { times = 1 } = fault;
    this.#armed.push({ fault, left: times === -1 ? Infinity : times });
  }

  clear(): void {
    this.#armed = [];
  }

  take({ on, date, file }: FaultQuery): Fault | null {
    const met = this.#armed.find(
      ({ fault, left }) =>
        left > 0 &&
        fault.on === on &&
        (fault.date === undefined || fault.date === date) &&
        (fault.file === undefined || fault.file === file),
    );
    if (met) met.left -= 1;
    return met?.fault ?? null;
  }
}
