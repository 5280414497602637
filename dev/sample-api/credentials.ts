/** What the sample API accepts unless told otherwise; as settings of the worker. */
export const SAMPLE_CREDENTIALS = {
  REPORT_API_KEY: 'sample-key',
  REPORT_API_NICKNAME: 'sample',
  REPORT_API_COHORT: '1',
};
