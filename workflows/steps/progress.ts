import { condition, defineQuery, setCurrentDetails, setHandler } from '@temporalio/workflow';

/** Where a run is, for a person who asks. */
export interface RunState {
  /** A sentence. */
  currentStep: string;
  missingFiles: string[];
}

export const stateQuery = defineQuery<RunState>('state');

/** Shows where the run is: in the UI's current details, and by the query `state`. */
export class Progress {
  #state: RunState = { currentStep: 'Starting.', missingFiles: [] };
  #retries = 0;

  constructor() {
    setHandler(stateQuery, () => this.#state, {
      description: 'What the run is doing, and which files it is waiting for.',
    });
  }

  get currentStep(): string {
    return this.#state.currentStep;
  }

  update(currentStep: string, missingFiles: string[] = []): void {
    this.#state = { currentStep, missingFiles };
    setCurrentDetails(currentStep);
  }

  /** How the run ended; the UI shows the details, which are Markdown. */
  end(currentStep: string, details: string): void {
    this.#state = { currentStep, missingFiles: [] };
    setCurrentDetails(`${currentStep}\n\n${details}`);
  }

  /** A durable timer, which holds no worker slot; `retryNow` ends it early. */
  async wait(milliseconds: number, summary: string): Promise<void> {
    const before = this.#retries;
    await condition(() => this.#retries > before, milliseconds, { summary });
  }

  retryNow(): void {
    this.#retries += 1;
  }
}
