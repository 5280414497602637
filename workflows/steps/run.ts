import { allHandlersFinished, condition, upsertSearchAttributes, workflowInfo } from '@temporalio/workflow';
import type { RunPlan } from '../../activities/plan-run.ts';
import type { RunOptions } from '../../domain/run-options.ts';
import type { Delivery, Source } from '../../domain/feeds.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { LOAD_DATE, OUTCOME } from '../../domain/search-attributes.ts';
import type { Checkpoint } from '../inputs.ts';
import { Progress } from './progress.ts';

/** Events after which a waiting run continues as new; no history passes 10,000 (contract, ruling 17). */
const MAX_EVENTS = 8_000;

/** What the steps of a run share. */
export class Run {
  readonly source: Source;
  readonly progress = new Progress();
  /** Whether there is a webhook to send them to. */
  sendsAlerts = true;
  checkpoint: Checkpoint = {
    startedAt: new Date().toISOString(),
    accepted: [],
    lateAlertSent: false,
  };
  /** From `plan` on. */
  options!: RunOptions;
  #tagged = false;
  #loadDate: LoadDate | undefined;
  readonly #continueAsNew: (run: Run) => Promise<never>;

  /** @param onContinueAsNew starts the same workflow again with the run's checkpoint */
  constructor(source: Source, onContinueAsNew: (run: Run) => Promise<never>) {
    this.source = source;
    this.#continueAsNew = onContinueAsNew;
  }

  /** The input is checked now: what it says can be used. */
  plan({ options, tagged, hasWebhook }: RunPlan, checkpoint: Checkpoint | undefined): void {
    this.options = options;
    this.sendsAlerts = hasWebhook;
    this.#tagged = tagged;
    // A person may have accepted a file before the run was planned.
    const { accepted } = this.checkpoint;
    if (checkpoint) this.checkpoint = { ...checkpoint, accepted: [...checkpoint.accepted, ...accepted] };
  }

  set loadDate(loadDate: LoadDate) {
    this.#loadDate = loadDate;
    this.#tag(LOAD_DATE, loadDate);
  }

  get loadDate(): LoadDate {
    if (this.#loadDate === undefined) throw new Error('The run has no load date yet.');
    return this.#loadDate;
  }

  get hasLoadDate(): boolean {
    return this.#loadDate !== undefined;
  }

  set outcome(outcome: string) {
    this.#tag(OUTCOME, outcome);
  }

  get delivery(): Delivery {
    return { loadDate: this.loadDate, source: this.source };
  }

  /** For messages. */
  get title(): string {
    const date = this.#loadDate;
    if (this.source === 'history') return date === undefined ? 'history' : `history of ${date}`;
    return date ?? 'the day';
  }

  /** The run's outcome rests on this answer, among others. */
  raiseNumber(number: number): void {
    this.checkpoint.number = Math.max(this.checkpoint.number ?? 0, number);
  }

  /** Waits on a durable timer; a history that has got long continues as new. */
  async wait(milliseconds: number, summary: string): Promise<void> {
    await this.progress.wait(milliseconds, summary);
    const { historyLength, continueAsNewSuggested } = workflowInfo();
    if (historyLength < MAX_EVENTS && !continueAsNewSuggested) return;
    await condition(allHandlersFinished);
    await this.#continueAsNew(this);
  }

  /** Only where the namespace has the search attributes: to set one that it lacks would block the run. */
  #tag(key: typeof LOAD_DATE, value: string): void {
    if (this.#tagged) upsertSearchAttributes([{ key, value }]);
  }
}
