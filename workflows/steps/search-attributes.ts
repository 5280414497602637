import { upsertSearchAttributes } from '@temporalio/workflow';
import { LOAD_DATE, OUTCOME } from '../../domain/search-attributes.ts';

/** Search attributes of a run, where the namespace has them: to set one that it lacks would block the run. */
export class SearchAttributes {
  enabled = false;

  setLoadDate(value: string): void {
    if (this.enabled) upsertSearchAttributes([{ key: LOAD_DATE, value }]);
  }

  setOutcome(value: string): void {
    if (this.enabled) upsertSearchAttributes([{ key: OUTCOME, value }]);
  }
}
