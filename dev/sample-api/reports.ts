import { sampleId } from './ids.ts';

export interface Readiness {
  /** How many get_report calls answer RUNNING before SUCCESS. */
  pollsUntilReady: number;
  /** How long a report is RUNNING at least. */
  readyAfterMs: number;
}

interface Report {
  taskId: string;
  reportId: string;
  askedAt: number;
  polls: number;
  /** A word that the report is to keep for ever, because of a fault. */
  kept: string | null;
  ready: boolean;
}

/** The reports that were asked for, and what has become of them. */
export class Reports {
  readonly #byTask = new Map<string, Report>();
  readonly #byReport = new Map<string, Report>();
  readiness: Readiness;

  constructor(readiness: Readiness) {
    this.readiness = readiness;
  }

  generate(): string {
    const nth = this.#byTask.size + 1;
    const report: Report = {
      taskId: sampleId('task', nth),
      reportId: sampleId('report', nth),
      askedAt: performance.now(),
      polls: 0,
      kept: null,
      ready: false,
    };
    this.#byTask.set(report.taskId, report);
    this.#byReport.set(report.reportId, report);
    return report.taskId;
  }

  /** The report's status at this poll, or null for a task that nobody was given. */
  poll(taskId: string, keep: string | null): { status: string; reportId: string } | null {
    const report = this.#byTask.get(taskId);
    if (!report) return null;
    report.kept ??= keep;
    report.ready ||=
      report.polls >= this.readiness.pollsUntilReady &&
      performance.now() - report.askedAt >= this.readiness.readyAfterMs;
    report.polls += 1;
    return { status: statusOf(report), reportId: report.reportId };
  }

  /** The status that the last poll told of a report, or null for a report that nobody asked for. */
  statusOf(reportId: string): string | null {
    const report = this.#byReport.get(reportId);
    return report ? statusOf(report) : null;
  }
}

function statusOf({ kept, ready }: Report): string {
  return kept ?? (ready ? 'SUCCESS' : 'RUNNING');
}
