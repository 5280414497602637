import type { IncomingMessage } from 'node:http';
import { isLoadDate } from '../../domain/load-date.ts';
import { SAMPLE_CREDENTIALS } from './credentials.ts';
import type { Delivery, DeliverySource } from './delivery.ts';
import type { Asked, Fault } from './faults.ts';
import { type Answer, json } from './send.ts';
import type { Storage } from './storage.ts';

/** A request, and its right answer, or the refusal of a wrong one, which no fault hides. */
export type Call = Asked & ({ refusal: Answer } | { answer(fault: Fault | undefined): Promise<Answer> });

export const API_HEADERS = ['x-api-key', 'x-nickname', 'x-cohort', 'x-project'];

const METHODS = { generate_report: 'POST', get_report: 'GET', get_increment: 'GET' };

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
  isReady: boolean;
}

/** The report API: three calls, answered from a source of deliveries. */
export class ReportApi {
  readonly readiness: Readiness;
  readonly #source: DeliverySource;
  readonly #headers: (string | undefined)[];
  readonly #storage: Storage;
  readonly #reports: Report[] = [];

  constructor(source: DeliverySource, apiKey: string, storage: Storage, readiness: Readiness) {
    this.#source = source;
    const { REPORT_API_NICKNAME, REPORT_API_COHORT } = SAMPLE_CREDENTIALS;
    this.#headers = [apiKey, REPORT_API_NICKNAME, REPORT_API_COHORT, 'True'];
    this.#storage = storage;
    this.readiness = readiness;
  }

  /** A refusal never repeats the key. */
  call(req: IncomingMessage): Call {
    const { pathname, searchParams } = new URL(req.url ?? '/', 'http://sample');
    const name = pathname.slice(1);
    const endpoint = name in METHODS ? (name as keyof typeof METHODS) : 'unknown';
    const refused = (status: number, error: string): Call => ({ endpoint, refusal: json(status, { error }) });
    const wrong = API_HEADERS.filter((header, nth) => req.headers[header] !== this.#headers[nth]);
    if (wrong.length > 0) return refused(401, `missing or wrong header: ${wrong.join(', ')}`);
    if (endpoint === 'unknown') return refused(404, 'unknown endpoint');
    const method = METHODS[endpoint];
    if (req.method !== method) return refused(405, `${endpoint} is called with ${method}`);
    const [task = '', report = '', day = ''] = ['task_id', 'report_id', 'date'].map(
      (key) => searchParams.get(key) ?? '',
    );
    switch (endpoint) {
      case 'generate_report':
        return { endpoint, answer: () => Promise.resolve(this.#generateReport()) };
      case 'get_report':
        return { endpoint, answer: (fault) => this.#getReport(task, fault) };
      case 'get_increment': {
        const date = day.slice(0, 10);
        if (day !== `${date}T00:00:00` || !isLoadDate(date))
          return refused(400, 'date must be written like 2024-02-25T00:00:00');
        return { endpoint, date, answer: (fault) => this.#getIncrement(report, date, fault) };
      }
    }
  }

  #generateReport(): Answer {
    const nth = this.#reports.length + 1;
    const [taskId, reportId] = [idOf(`task ${nth}`), idOf(`report ${nth}`)];
    this.#reports.push({ taskId, reportId, askedAt: performance.now(), polls: 0, isReady: false });
    return json(200, { task_id: taskId });
  }

  async #getReport(taskId: string, fault: Fault | undefined): Promise<Answer> {
    const report = this.#reports.find((one) => one.taskId === taskId);
    if (!report) return json(404, { error: 'unknown task_id' });
    const { pollsUntilReady, readyAfterMs } = this.readiness;
    report.isReady ||= report.polls >= pollsUntilReady && performance.now() - report.askedAt >= readyAfterMs;
    report.polls += 1;
    if (fault?.do === 'report-status') return json(200, { task_id: taskId, status: fault.status });
    if (!report.isReady) return json(200, { task_id: taskId, status: 'RUNNING' });
    const { startDay, endDate, files } = await this.#source.report();
    const data = {
      report_id: report.reportId,
      start_day: timestamp(startDay),
      end_date: timestamp(endDate),
      s3_path: this.#publish(report.reportId, files, fault),
    };
    return json(200, { task_id: taskId, status: 'SUCCESS', data: fault?.do === 'null-data' ? null : data });
  }

  async #getIncrement(reportId: string, date: string, fault: Fault | undefined): Promise<Answer> {
    if (!this.#reports.some((report) => report.reportId === reportId && report.isReady))
      return json(404, { error: 'unknown report_id' });
    const answer = { report_id: reportId, date: timestamp(date) };
    const delivery = await this.#source.increment(date);
    if (!delivery) {
      const notFound = { status: 'NOT FOUND', debug_info: `Date is too early or not there yet: ${date}` };
      return json(200, { ...notFound, ...answer, data: null });
    }
    // Asking again, as while files are missing, names the same increment.
    const incrementId = idOf(`increment ${date} ${reportId}`);
    const s3Path = this.#publish(incrementId, delivery.files, fault, date);
    const data = fault?.do === 'null-data' ? null : { increment_id: incrementId, s3_path: s3Path };
    return json(200, { ...answer, status: 'SUCCESS', data });
  }

  #publish(folder: string, files: Delivery['files'], fault: Fault | undefined, date?: string) {
    const urls = Object.entries(this.#storage.publish(folder, files, date));
    if (fault?.do === 'empty-urls') return Object.fromEntries(urls.map(([file]) => [file, '']));
    const missing = fault?.do === 'missing-files' ? fault.files : [];
    return Object.fromEntries(urls.filter(([file]) => !missing.includes(file)));
  }
}

/** Valid base64 that holds all that a query string must escape, `+`, `/` and `=`; the same in every run. */
function idOf(text: string): string {
  // Encoded, the first three bytes are "+//+".
  const bytes = Buffer.concat([Buffer.from([0xfb, 0xff, 0xfe]), Buffer.from(text)]);
  return Buffer.concat([bytes, Buffer.from(bytes.length % 3 === 0 ? '.' : '')]).toString('base64');
}

/** The API writes its dates as `2024-02-25 00:00:00`. */
function timestamp(date: string): string {
  return isLoadDate(date) ? `${date} 00:00:00` : date;
}
