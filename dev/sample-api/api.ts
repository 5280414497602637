import type { IncomingMessage } from 'node:http';
import { isLoadDate } from '../../domain/load-date.ts';
import { type Answer, json } from './answer.ts';
import { SAMPLE_CREDENTIALS } from './credentials.ts';
import type { Delivery, DeliverySource } from './delivery.ts';
import type { Fault, FaultTarget } from './faults.ts';
import { sampleId } from './ids.ts';
import type { Reports } from './reports.ts';
import type { Storage } from './storage.ts';

export type ApiEndpoint = Exclude<FaultTarget, 'storage'>;

const METHODS: Record<ApiEndpoint, string> = {
  generate_report: 'POST',
  get_report: 'GET',
  get_increment: 'GET',
};

export function endpointOf(url: URL): ApiEndpoint | null {
  const name = url.pathname.slice(1);
  return name in METHODS ? (name as ApiEndpoint) : null;
}

/** The report API: three calls, answered from a source of deliveries. */
export class Api {
  readonly #source: DeliverySource;
  readonly #apiKey: string;
  readonly #reports: Reports;
  readonly #storage: Storage;
  readonly #incrementIds = new Map<string, string>();

  constructor(source: DeliverySource, apiKey: string, reports: Reports, storage: Storage) {
    this.#source = source;
    this.#apiKey = apiKey;
    this.#reports = reports;
    this.#storage = storage;
  }

  /** The refusal of a wrong request, or null for a right one. It never repeats the key. */
  async refuse(req: IncomingMessage, endpoint: ApiEndpoint | null): Promise<Answer | null> {
    const expected = {
      'x-api-key': this.#apiKey,
      'x-nickname': SAMPLE_CREDENTIALS.REPORT_API_NICKNAME,
      'x-cohort': SAMPLE_CREDENTIALS.REPORT_API_COHORT,
      'x-project': 'True',
    };
    const wrong = Object.entries(expected).filter(([name, value]) => req.headers[name] !== value);
    if (wrong.length > 0) {
      return await json(401, { error: `missing or wrong header: ${wrong.map(([name]) => name).join(', ')}` });
    }
    if (endpoint === null) return await json(404, { error: 'unknown endpoint' });
    const method = METHODS[endpoint];
    return req.method === method ? null : await json(405, { error: `${endpoint} is called with ${method}` });
  }

  async answer(endpoint: ApiEndpoint, query: URLSearchParams, fault: Fault | null): Promise<Answer> {
    switch (endpoint) {
      case 'generate_report':
        return await json(200, { task_id: this.#reports.generate() });
      case 'get_report':
        return await this.#getReport(query.get('task_id') ?? '', fault);
      case 'get_increment':
        return await this.#getIncrement(query.get('report_id') ?? '', query.get('date') ?? '', fault);
    }
  }

  async #getReport(taskId: string, fault: Fault | null): Promise<Answer> {
    const poll = this.#reports.poll(taskId, fault?.do === 'report-status' ? fault.status : null);
    if (!poll) return await json(404, { error: 'unknown task_id' });
    const { status, reportId } = poll;
    if (status !== 'SUCCESS') return await json(200, { task_id: taskId, status });
    const { startDay, endDate, files } = await this.#source.report();
    const data = {
      report_id: reportId,
      start_day: timestamp(startDay),
      end_date: timestamp(endDate),
      s3_path: this.#publish(reportId, files, fault),
    };
    return await json(200, { task_id: taskId, status, data: fault?.do === 'null-data' ? null : data });
  }

  async #getIncrement(reportId: string, asked: string, fault: Fault | null): Promise<Answer> {
    const reportStatus = this.#reports.lastStatus(reportId);
    if (reportStatus === undefined) return await json(404, { error: 'unknown report_id' });
    if (reportStatus !== 'SUCCESS') return await json(409, { error: `the report is ${reportStatus}` });
    const date = asked.slice(0, 10);
    if (asked !== `${date}T00:00:00` || !isLoadDate(date)) {
      return await json(400, { error: 'date must be written like 2024-02-25T00:00:00' });
    }
    const answer = { report_id: reportId, date: timestamp(date) };
    const delivery = await this.#source.increment(date);
    if (!delivery) {
      const notFound = { status: 'NOT FOUND', debug_info: `Date is too early or not there yet: ${date}` };
      return await json(200, { ...notFound, ...answer, data: null });
    }
    const incrementId = this.#incrementId(reportId, date);
    const s3Path = this.#publish(incrementId, delivery.files, fault, date);
    const data = fault?.do === 'null-data' ? null : { increment_id: incrementId, s3_path: s3Path };
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
    fault: Fault | null,
    date?: string,
  ): Record<string, string | null> {
    const urls = Object.entries(this.#storage.publish(folder, files, date));
    if (fault?.do === 'empty-urls') return Object.fromEntries(urls.map(([file]) => [file, '']));
    if (fault?.do !== 'missing-files') return Object.fromEntries(urls);
    return Object.fromEntries(urls.filter(([file]) => !fault.files.includes(file)));
  }
}

/** The API writes its dates as `2024-02-25 00:00:00`. */
function timestamp(date: string): string {
  return isLoadDate(date) ? `${date} 00:00:00` : date;
}
