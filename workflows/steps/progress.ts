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
    setCurrentDetails(asMarkdown(currentStep));
  }

  /** How the run ended: a sentence, what a person should know, and a list in Markdown. */
  end(currentStep: string, remarks: readonly string[], files: readonly string[] = []): void {
    this.#state = { currentStep, missingFiles: [] };
    const list = remarks.map((remark) => `- ${asMarkdown(remark)}`);
    // The last line is for the UI, whose frame is a line too short.
    setCurrentDetails([asMarkdown(currentStep), '', ...list, '', ...files, '', '\u00a0'].join('\n'));
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

/** Words from outside make no link, image or tag in the UI. */
function asMarkdown(text: string): string {
  return text.replace(/[\\`*[\]<>|]/g, '\\$&');
}
