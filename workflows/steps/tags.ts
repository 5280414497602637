import { upsertSearchAttributes } from '@temporalio/workflow';
import { LOAD_DATE, OUTCOME } from '../../domain/search-attributes.ts';

/**
 * Search attributes of a run. To set one that the namespace does not have would block the run for good, so whoever
 * starts it says whether they are registered.
 */
export class Tags {
  readonly #registered: boolean;

  constructor(registered: boolean | undefined) {
    this.#registered = registered ?? false;
  }

  loadDate(date: string): void {
    if (this.#registered) upsertSearchAttributes([{ key: LOAD_DATE, value: date }]);
  }

  outcome(outcome: string): void {
    if (this.#registered) upsertSearchAttributes([{ key: OUTCOME, value: outcome }]);
  }
}
