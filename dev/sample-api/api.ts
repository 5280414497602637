import type { IncomingMessage } from 'node:http';
import { type Answer, json } from './answer.ts';
import { isDate } from './calendar.ts';
import type { Delivery, DeliverySource } from './delivery.ts';
import type { FaultAction, FaultTarget } from './faults.ts';
import { sampleId } from './ids.ts';
import type { Reports } from './reports.ts';
import type { Storage } from './storage.ts';

export type ApiEndpoint = Exclude<FaultTarget, 'storage'>;

const METHODS: Record<ApiEndpoint, string> = {
  generate_report: 'POST',
  get_report: 'GET',
  get_increment: 'GET',
};

interface Credentials {
  apiKey: string;
  nickname: string;
  cohort: string;
}

interface ApiOptions extends Credentials {
  source: DeliverySource;
  notFoundStatus: 200 | 404;
}

export function endpointOf(url: URL): ApiEndpoint | null {
  const name = url.pathname.slice(1);
  return name in METHODS ? (name as ApiEndpoint) : null;
}

/** The report API: three calls, answered from a source of deliveries. */
export class Api {
  readonly #options: ApiOptions;
  readonly #reports: Reports;
  readonly #storage: Storage;
  readonly #incrementIds = new Map<string, string>();

  constructor(options: ApiOptions, reports: Reports, storage: Storage) {
    this.#options = options;
    this.#reports = reports;
    this.#storage = storage;
  }

  /** Why a request gets no answer from an endpoint, or null when it is as it should be. No answer repeats the key. */
  async refuse(req: IncomingMessage, endpoint: ApiEndpoint | null): Promise<Answer | null> {
    const expected = {
      'x-api-key': this.#options.apiKey,
      'x-nickname': this.#options.nickname,
      'x-cohort': this.#options.cohort,
      'x-project': 'True',
    };
    const wrong = Object.entries(expected).filter(([name, value]) => req.headers[name] !== value);
    if (wrong.length > 0) {
      return await json(401, { error: `missing or wrong header: ${wrong.map(([name]) => name).join(', ')}` });
    }
    if (endpoint === null) return await json(404, { error: 'there is no such call' });
    const method = METHODS[endpoint];
    return req.method === method ? null : await json(405, { error: `${endpoint} is called with ${method}` });
  }

  async answer(endpoint: ApiEndpoint, query: URLSearchParams, action: FaultAction | null): Promise<Answer> {
    switch (endpoint) {
      case 'generate_report':
        return await json(200, { task_id: this.#reports.generate() });
      case 'get_report':
        return await this.#getReport(query.get('task_id') ?? '', action);
      case 'get_increment':
        return await this.#getIncrement(query.get('report_id') ?? '', query.get('date') ?? '', action);
    }
  }

  async #getReport(taskId: string, action: FaultAction | null): Promise<Answer> {
    const poll = this.#reports.poll(taskId, keptStatus(action));
    if (!poll) return await json(404, { error: 'no report was asked for under this task_id' });
    const { status, reportId } = poll;
    if (status !== 'SUCCESS') return await json(200, { task_id: taskId, status });
    const { startDay, endDate, files } = await this.#options.source.report();
    const data = {
      report_id: reportId,
      start_day: timestamp(startDay),
      end_date: timestamp(endDate),
      s3_path: this.#publish(reportId, files, action),
    };
    return await json(200, { task_id: taskId, status, data: action?.kind === 'null-data' ? null : data });
  }

  async #getIncrement(reportId: string, asked: string, action: FaultAction | null): Promise<Answer> {
    const reportStatus = this.#reports.statusOf(reportId);
    if (reportStatus === null) return await json(404, { error: 'there is no report with this report_id' });
    if (reportStatus !== 'SUCCESS') return await json(409, { error: `the report is ${reportStatus}` });
    const date = asked.slice(0, 10);
    if (asked !== `${date}T00:00:00` || !isDate(date)) {
      return await json(400, { error: 'date must be written like 2024-02-25T00:00:00' });
    }
    const answer = { report_id: reportId, date: timestamp(date) };
    const delivery = action?.kind === 'not-found' ? null : await this.#options.source.increment(date);
    if (!delivery) {
      const notFound = { status: 'NOT FOUND', debug_info: `Date is too early or not there yet: ${date}` };
      return await json(this.#options.notFoundStatus, { ...notFound, ...answer, data: null });
    }
    const incrementId = this.#incrementId(reportId, date);
    const s3Path = this.#publish(incrementId, delivery.files, action, date);
    const data = action?.kind === 'null-data' ? null : { increment_id: incrementId, s3_path: s3Path };
    return await json(200, { ...answer, status: 'SUCCESS', data });
  }

  /** One id per report and date, so that asking again (as while files are missing) names the same increment. */
  #incrementId(reportId: string, date: string): string {
    const key = `${reportId} ${date}`;
    const id = this.#incrementIds.get(key) ?? sampleId('increment', this.#incrementIds.size + 1, date);
    this.#incrementIds.set(key, id);
    return id;
  }

  #publish(
    folder: string,
    files: Delivery['files'],
    action: FaultAction | null,
    date?: string,
  ): Record<string, string | null> {
    const urls = Object.entries(this.#storage.publish(folder, files, date));
    if (action?.kind === 'empty-urls') return Object.fromEntries(urls.map(([file]) => [file, '']));
    if (action?.kind !== 'missing-files') return Object.fromEntries(urls);
    return Object.fromEntries(urls.filter(([file]) => !action.files.includes(file)));
  }
}

function keptStatus(action: FaultAction | null): string | null {
  if (action?.kind === 'stuck') return 'RUNNING';
  return action?.kind === 'report-status' ? action.status : null;
}

/** The API writes its dates as `2024-02-25 00:00:00`. */
function timestamp(date: string): string {
  return isDate(date) ? `${date} 00:00:00` : date;
}
