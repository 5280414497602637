export type FaultTarget = 'generate_report' | 'get_report' | 'get_increment' | 'storage';

/** What a fault does, whatever it is done to. */
export type FaultAction =
  /** This in place of the real answer. */
  | { do: 'status'; status: number; headers?: Record<string, string>; body?: string }
  /** The connection is reset: before the answer, or after so many bytes of its body. */
  | { do: 'reset'; afterBytes?: number }
  /** The body ends sooner than it should, and the connection is closed in good order. */
  | { do: 'truncate'; afterBytes: number }
  | { do: 'trickle'; bytesPerSecond: number }
  /** The request is read and never answered. */
  | { do: 'hang' }
  | { do: 'delay'; ms: number }
  /** Filler without an end and no Content-Length. */
  | { do: 'endless' }
  /** Of get_report: the report has this status. */
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

/** What a request asks for. */
export interface Asked {
  endpoint: FaultTarget | 'unknown';
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

  take({ endpoint, date, file }: Asked): Fault | undefined {
    const met = this.#armed.find(
      ({ fault, left }) =>
        left > 0 &&
        fault.on === endpoint &&
        (fault.date === undefined || fault.date === date) &&
        (fault.file === undefined || fault.file === file),
    );
    if (met) met.left -= 1;
    return met?.fault;
  }
}
