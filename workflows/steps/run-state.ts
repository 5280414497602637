import { condition, defineQuery, setCurrentDetails, setHandler } from '@temporalio/workflow';

/** Where a run is, for a person who asks. */
export interface RunState {
  /** A sentence. */
  doing: string;
  loadDate?: string;
  missingFiles: string[];
}

export const stateQuery = defineQuery<RunState>('state');

/** Tells where the run is: in the UI's current details, and to the query `state`. */
export class Progress {
  readonly #state: RunState = { doing: 'Starting.', missingFiles: [] };
  #wakeUps = 0;

  constructor() {
    setHandler(stateQuery, () => this.#state, {
      description: 'Where the run is, and which files it waits for.',
    });
  }

  get doing(): string {
    return this.#state.doing;
  }

  say(doing: string, more: Partial<RunState> = {}): void {
    Object.assign(this.#state, { doing, missingFiles: [] }, more);
    setCurrentDetails(doing);
  }

  /** A durable timer, which holds no worker slot; ends early when a person asks to try now. */
  async wait(milliseconds: number, summary: string): Promise<void> {
    const seen = this.#wakeUps;
    await condition(() => this.#wakeUps > seen, milliseconds, { summary });
  }

  wakeUp(): void {
    this.#wakeUps += 1;
  }
}
