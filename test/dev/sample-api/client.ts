import { request } from 'undici';
import { type SampleApi, type SampleApiOptions, startSampleApi } from '../../../dev/sample-api/server.ts';

export const HEADERS = {
  'X-Nickname': 'sample',
  'X-Cohort': '1',
  'X-Project': 'True',
  'X-API-KEY': 'sample-key',
};

export interface Answered {
  status: number;
  headers: Record<string, string | string[] | undefined>;
  text: string;
}

export async function call(
  url: string,
  headers: Record<string, string> = {},
  method = 'GET',
): Promise<Answered> {
  const { statusCode, headers: answered, body } = await request(url, { method, headers });
  return { status: statusCode, headers: answered, text: await body.text() };
}

/** What an answer of the API holds, as far as these tests look at it. */
interface ApiAnswer {
  task_id?: string;
  report_id?: string;
  date?: string;
  status?: string;
  debug_info?: string;
  error?: string;
  data?: {
    report_id?: string;
    increment_id?: string;
    start_day?: string;
    end_date?: string;
    s3_path: Record<string, string | null>;
  } | null;
}

/** The calls of the contract, made with the right headers. */
export class Client {
  readonly #api: SampleApi;

  constructor(api: SampleApi) {
    this.#api = api;
  }

  async raw(path: string, method = 'GET'): Promise<Answered> {
    return await call(`${this.#api.url}/${path}`, HEADERS, method);
  }

  async json(path: string, method = 'GET'): Promise<ApiAnswer & { http: number }> {
    const { status, text } = await this.raw(path, method);
    return { ...(JSON.parse(text) as ApiAnswer), http: status };
  }

  async generateReport(): Promise<string> {
    return (await this.json('generate_report', 'POST')).task_id ?? '';
  }

  async getReport(taskId: string): Promise<ApiAnswer & { http: number }> {
    return await this.json(`get_report?task_id=${encodeURIComponent(taskId)}`);
  }

  /** Asks for a report until it is there (ten polls at most) and returns its id. */
  async reportId(): Promise<string> {
    const taskId = await this.generateReport();
    for (let poll = 0; poll < 10; poll++) {
      const { data } = await this.getReport(taskId);
      if (data?.report_id !== undefined) return data.report_id;
    }
    throw new Error('no report after ten polls');
  }

  async getIncrement(reportId: string, date: string): Promise<ApiAnswer & { http: number }> {
    return await this.json(`get_increment?report_id=${encodeURIComponent(reportId)}&date=${date}T00:00:00`);
  }

  /** The URLs of a date's files, by way of a new report. */
  async urls(date: string): Promise<Record<string, string | null>> {
    const { data } = await this.getIncrement(await this.reportId(), date);
    return data?.s3_path ?? {};
  }

  async url(date: string, file: string): Promise<string> {
    return (await this.urls(date))[file] ?? '';
  }
}

/** Runs a test against a server of its own, which is closed afterwards whatever happens. */
export async function withApi(
  options: SampleApiOptions,
  run: (client: Client, api: SampleApi) => Promise<void>,
): Promise<void> {
  const api = await startSampleApi(options);
  try {
    await run(new Client(api), api);
  } finally {
    await api.close();
  }
}
