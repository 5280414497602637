import { STATUS_CODES } from 'node:http';
import { Agent, request } from 'undici';
import type { z } from 'zod';
import { failure } from '../../domain/failures.ts';
import { plainText } from '../../domain/text.ts';
import { describeNetworkError } from '../../runtime/network-error.ts';
import { generateReportAnswer, getIncrementAnswer, getReportAnswer } from './report-api-answers.ts';
import { retryAfterMs } from './retry-after.ts';

/** An answer of the API is a few kilobytes; more is not an answer. */
const MAX_ANSWER_BYTES = 1024 * 1024;
/** What is quoted of an answer, in a failure or in a history. */
const MAX_QUOTED = 200;

export interface ReportApiOptions {
  baseUrl: string;
  apiKey: string;
  nickname: string;
  cohort: string;
  /** For one whole call, in milliseconds. */
  timeoutMs: number;
}

export type ReportState =
  | { status: 'RUNNING' }
  | { status: 'SUCCESS'; reportId: string; startDay: string | undefined; urls: Urls }
  | { status: 'FAILED'; word: string };

/** `urls` holds only files that have an address. */
export type Increment = { found: true; urls: Urls } | { found: false };

/** Address by file name, e.g. `user_order_log_inc`. Secret: object storage addresses carry a signature. */
type Urls = Readonly<Record<string, string>>;

/** The report API over HTTP. Throws the failures of `domain/failures.ts`; none holds the key or an address's query. */
export class ReportApi {
  readonly #options: ReportApiOptions;
  readonly #dispatcher = new Agent({
    connect: { timeout: 10_000 },
    keepAliveTimeout: 10_000,
    maxResponseSize: MAX_ANSWER_BYTES,
  });

  constructor(options: ReportApiOptions) {
    this.#options = options;
  }

  /** Asks for a report and returns the id of the task that makes it. Nothing but its time limit breaks the call off. */
  async generateReport(): Promise<string> {
    const signal = new AbortController().signal;
    const answer = await this.#call('POST', 'generate_report', {}, generateReportAnswer, signal);
    return answer.task_id;
  }

  async getReport(taskId: string, signal: AbortSignal): Promise<ReportState> {
    const answer = await this.#call('GET', 'get_report', { task_id: taskId }, getReportAnswer, signal);
    refuseOther('get_report', 'task_id', answer.task_id, taskId);
    if (answer.status === 'RUNNING') return { status: 'RUNNING' };
    if (answer.status !== 'SUCCESS') return { status: 'FAILED', word: plainText(answer.status, MAX_QUOTED) };
    const reportId = answer.data?.report_id;
    if (!reportId) throw invalid('get_report', 'status is SUCCESS, but data.report_id is missing');
    const startDay = answer.data?.start_day;
    return {
      status: 'SUCCESS',
      reportId,
      startDay: typeof startDay === 'string' ? startDay : undefined,
      urls: presentUrls(answer.data?.s3_path),
    };
  }

  /** @param loadDate YYYY-MM-DD */
  async getIncrement(reportId: string, loadDate: string, signal: AbortSignal): Promise<Increment> {
    const query = { report_id: reportId, date: `${loadDate}T00:00:00` };
    const answer = await this.#call('GET', 'get_increment', query, getIncrementAnswer, signal);
    refuseOther('get_increment', 'report_id', answer.report_id, reportId);
    refuseOther('get_increment', 'date', answer.date, loadDate);
    if (answer.status === 'NOT FOUND') return { found: false };
    // The report was finished a moment ago: this can only be an API that has not caught up with itself.
    if (answer.status === 'RUNNING') throw invalid('get_increment', 'its status is "RUNNING"');
    if (answer.status !== 'SUCCESS') {
      throw failure(
        'ReportFailed',
        `The report API cannot give the increment of ${loadDate}: its status is "${plainText(answer.status, MAX_QUOTED)}".`,
      );
    }
    return { found: true, urls: presentUrls(answer.data?.s3_path) };
  }

  async close(): Promise<void> {
    await this.#dispatcher.destroy();
  }

  async #call<T>(
    method: 'GET' | 'POST',
    call: string,
    query: Record<string, string>,
    schema: z.ZodType<T>,
    signal: AbortSignal,
  ): Promise<T> {
    const { statusCode, headers, text } = await this.#send(method, call, query, signal);
    const answered = `The report API answered ${`${statusCode} ${STATUS_CODES[statusCode] ?? ''}`.trim()} to ${call}`;
    if (statusCode === 401 || statusCode === 403) {
      throw failure(
        'ReportApiUnauthorized',
        `${answered}: REPORT_API_KEY (or REPORT_API_NICKNAME, REPORT_API_COHORT) is wrong.`,
      );
    }
    if (statusCode === 408 || statusCode === 425 || statusCode === 429 || statusCode >= 500) {
      const nextRetryDelayMs = retryAfterMs(headers['retry-after'], new Date());
      throw failure('ReportApiUnavailable', `${answered}.`, { nextRetryDelayMs });
    }
    if (statusCode >= 300 && statusCode < 400)
      throw failure('ReportApiRefused', `${answered}; redirects are not followed. Check REPORT_API_URL.`);
    const json = jsonOf(text);
    const { success, data, error } = schema.safeParse(json);
    // NOT FOUND comes with 200 or 404; what else a 404 says is no answer to the question. One that cannot be read may be NOT
    // FOUND, cut off on the way, or come from a gateway that has lost its route for a moment. A whole one to a run's first
    // call means a wrong REPORT_API_URL.
    const isCutOff = json === undefined && text.trimStart().startsWith('{');
    const mayBeNotFound = success
      ? (data as { status?: unknown }).status === 'NOT FOUND'
      : isCutOff || call !== 'generate_report';
    if (statusCode >= 400 && !(statusCode === 404 && mayBeNotFound))
      throw failure('ReportApiRefused', `${answered}.`);
    if (success) return data;
    if (json === undefined) throw invalid(call, `it is not JSON (${text.length} characters)`);
    const faults = error.issues.map((issue) => `${issue.path.join('.') || 'the answer'}: ${issue.message}`);
    throw invalid(call, plainText(faults.join('; '), MAX_QUOTED));
  }

  async #send(method: 'GET' | 'POST', call: string, query: Record<string, string>, signal: AbortSignal) {
    const { baseUrl, apiKey, nickname, cohort, timeoutMs } = this.#options;
    const url = new URL(`${baseUrl.replace(/\/+$/, '')}/${call}`);
    // encodeURIComponent, not URLSearchParams: an id's "+" must not be taken for a space.
    url.search = Object.entries(query)
      .map(([name, value]) => `${name}=${encodeURIComponent(value)}`)
      .join('&');
    const timeout = AbortSignal.timeout(timeoutMs);
    try {
      const response = await request(url, {
        method,
        headers: {
          'X-Nickname': nickname,
          'X-Cohort': cohort,
          'X-Project': 'True',
          'X-API-KEY': apiKey,
          Accept: 'application/json',
        },
        dispatcher: this.#dispatcher,
        signal: AbortSignal.any([signal, timeout]),
      });
      return { ...response, text: await response.body.text() };
    } catch (error) {
      signal.throwIfAborted();
      const what = timeout.aborted
        ? `no complete answer within ${timeoutMs / 1000} s`
        : describeNetworkError(error);
      throw failure('ReportApiUnavailable', `The call ${call} to the report API failed: ${what}.`);
    }
  }
}

/**
 * A cache in front of the API may answer what somebody else has asked (contract, rulings 20, 60). An answer that leaves it
 * out is taken; a date can have a time behind it.
 */
function refuseOther(call: string, name: string, answered: unknown, asked: string): void {
  if (answered == null || answered === '' || answered === asked) return;
  if (name === 'date' && typeof answered === 'string' && answered.slice(0, 10) === asked) return;
  throw invalid(call, `it is for a different ${name} than requested`);
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function presentUrls(urls: Record<string, unknown> | null | undefined): Urls {
  return Object.fromEntries(
    Object.entries(urls ?? {}).filter(
      (entry): entry is [string, string] => typeof entry[1] === 'string' && entry[1].trim() !== '',
    ),
  );
}

function invalid(call: string, what: string) {
  return failure('ReportApiAnswerInvalid', `The report API's answer to ${call} cannot be used: ${what}.`);
}
