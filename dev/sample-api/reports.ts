import { sampleId } from './ids.ts';

export interface Readiness {
  /** How many get_report calls answer RUNNING before SUCCESS (1). */
  pollsUntilReady: number;
  /** How long a report is RUNNING at least (0 ms). */
  readyAfterMs: number;
}

interface Report {
  taskId: string;
  reportId: string;
  askedAt: number;
  polls: number;
  status: string;
  /** Whether a fault has set the status, which then never changes. */
  isFixed: boolean;
}

/** The reports that were asked for, and their status. */
export class Reports {
  readonly #reports: Report[] = [];
  readonly readiness: Readiness;

  constructor(readiness: Readiness) {
    this.readiness = readiness;
  }

  generate(): string {
    const nth = this.#reports.length + 1;
    const [taskId, reportId] = [sampleId('task', nth), sampleId('report', nth)];
    const started = { askedAt: performance.now(), polls: 0, status: 'RUNNING', isFixed: false };
    this.#reports.push({ taskId, reportId, ...started });
    return taskId;
  }

  /** The report at this poll; `fixed` is the status that a fault gives it. Undefined for an unknown task. */
  poll(taskId: string, fixed: string | null): Pick<Report, 'status' | 'reportId'> | undefined {
    const report = this.#reports.find((one) => one.taskId === taskId);
    if (!report) return undefined;
    const { pollsUntilReady, readyAfterMs } = this.readiness;
    const isReady = report.polls >= pollsUntilReady && performance.now() - report.askedAt >= readyAfterMs;
    if (!report.isFixed && (fixed !== null || isReady)) report.status = fixed ?? 'SUCCESS';
    report.isFixed ||= fixed !== null;
    report.polls += 1;
    return report;
  }

  /** The status at the last poll of a report; undefined for an unknown one. */
  lastStatus(reportId: string): string | undefined {
    return this.#reports.find((report) => report.reportId === reportId)?.status;
  }
}
