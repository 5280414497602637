import { workflowInfo } from '@temporalio/workflow';
import { landingSteps, pingSteps } from './activities.ts';
import { isNotTaken } from './errors.ts';

/** Events of the history after which a busy queue is looked at less often. */
const MANY_EVENTS = 4_000;

type Steps = ReturnType<typeof landingSteps>;

/** The task queue of one landing directory. */
export class LandingQueue {
  readonly name: string;
  #ping: Promise<boolean> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Runs a step on the queue. That no worker has taken it in time proves nothing: it may be busy. Only when it does not
   * answer a ping either is it lost, and the step fails with its schedule-to-start timeout.
   */
  async run<T>(step: (steps: Steps) => Promise<T>): Promise<T> {
    for (let isKnownBusy = false; ; isKnownBusy = true) {
      const wait = !isKnownBusy ? 'short' : workflowInfo().historyLength < MANY_EVENTS ? 'busy' : 'long';
      try {
        return await step(landingSteps(this.name, wait));
      } catch (error) {
        if (!isNotTaken(error) || !(await this.#isAlive())) throw error;
      }
    }
  }

  /** The steps of all files share one ping. */
  async #isAlive(): Promise<boolean> {
    this.#ping ??= ping(this.name).finally(() => (this.#ping = undefined));
    return await this.#ping;
  }
}

async function ping(queue: string): Promise<boolean> {
  try {
    await pingSteps(queue).pingLanding.executeWithOptions({ summary: 'is its worker alive?' }, []);
    return true;
  } catch (error) {
    if (isNotTaken(error)) return false;
    throw error;
  }
}
