import type { SampleApi } from '../../dev/sample-api/server.ts';
import { ReportApi } from '../../pipeline/extract/report-api.ts';

/** The addresses of a date's files, by way of a new report of a sample API, which must be ready at once. */
export async function sampleUrls({ url }: SampleApi, date: string): Promise<Record<string, string>> {
  const { signal } = new AbortController();
  const key = { apiKey: 'sample-key', nickname: 'sample', cohort: '1' };
  const api = new ReportApi({ baseUrl: url, ...key, timeoutMs: 60_000 });
  try {
    const report = await api.getReport(await api.generateReport(), signal);
    if (report.status !== 'SUCCESS') throw new Error('The sample API has no report at once.');
    const increment = await api.getIncrement(report.reportId, date, signal);
    return increment.found ? increment.urls : {};
  } finally {
    await api.close();
  }
}
