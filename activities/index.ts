import { failBackfillDays, planBackfill, recordBackfillDays } from './backfill.ts';
import { claimDay } from './claim-day.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { generateReport } from './generate-report.ts';
import { getIncrement } from './get-increment.ts';
import { getReport } from './get-report.ts';
import { landFile } from './land-file.ts';
import { planDay, planHistory } from './plan-run.ts';
import { findOpenDays, recordFailure, recordNotFound } from './record-outcome.ts';
import { sendAlert } from './send-alert.ts';
import { stageFile } from './stage-file.ts';
import { updateDimensions, updateFSales } from './update-mart.ts';

/** The steps of a day, by the names that the Temporal UI shows. */
export function createActivities(dependencies: ActivityDependencies) {
  return {
    planDay: planDay(dependencies),
    planHistory: planHistory(dependencies),
    claimDay: claimDay(dependencies),
    generateReport: generateReport(dependencies),
    getReport: getReport(dependencies),
    getIncrement: getIncrement(dependencies),
    landFile: landFile(dependencies),
    stageFile: stageFile(dependencies),
    updateDimensions: updateDimensions(dependencies),
    updateFSales: updateFSales(dependencies),
    recordFailure: recordFailure(dependencies),
    recordNotFound: recordNotFound(dependencies),
    findOpenDays: findOpenDays(dependencies),
    sendAlert: sendAlert(dependencies),
    planBackfill: planBackfill(dependencies),
    recordBackfillDays: recordBackfillDays(dependencies),
    failBackfillDays: failBackfillDays(dependencies),
  };
}

export type Activities = ReturnType<typeof createActivities>;
