import { checkFile } from './check-file.ts';
import { chooseLanding } from './choose-landing.ts';
import { claimDay } from './claim-day.ts';
import type { ActivityDependencies } from './dependencies.ts';
import { generateReport } from './generate-report.ts';
import { getIncrement } from './get-increment.ts';
import { getReport } from './get-report.ts';
import { landFile } from './land-file.ts';
import { listOpenDays } from './list-open-days.ts';
import { planRun } from './plan-run.ts';
import { recordOutcome } from './record-outcome.ts';
import { sendAlert } from './send-alert.ts';
import { stageFile } from './stage-file.ts';
import { updateDCity, updateDCustomer, updateDItem, updateFSales } from './update-mart.ts';

/** The steps of a day, by the names that the Temporal UI shows. */
export function createActivities(dependencies: ActivityDependencies) {
  return {
    planRun: planRun(dependencies),
    claimDay: claimDay(dependencies),
    generateReport: generateReport(dependencies),
    getReport: getReport(dependencies),
    getIncrement: getIncrement(dependencies),
    chooseLanding: chooseLanding(dependencies),
    landFile: landFile(dependencies),
    checkFile: checkFile(dependencies),
    stageFile: stageFile(dependencies),
    updateDCity: updateDCity(dependencies),
    updateDItem: updateDItem(dependencies),
    updateDCustomer: updateDCustomer(dependencies),
    updateFSales: updateFSales(dependencies),
    recordOutcome: recordOutcome(dependencies),
    sendAlert: sendAlert(dependencies),
    listOpenDays: listOpenDays(dependencies),
  };
}

export type Activities = ReturnType<typeof createActivities>;
