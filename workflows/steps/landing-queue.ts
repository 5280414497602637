import { workflowInfo } from '@temporalio/workflow';
import { landingSteps, pingSteps } from './activities.ts';
import { isHeartbeatTimeout, isScheduleToStartTimeout, isTimeout } from './errors.ts';

/** A queue on which nobody takes a step within this may have lost its worker. */
const FIRST_WAIT_MS = 2_000;
const BUSY_WAIT_MS = 8_000;
const MAX_BUSY_WAIT_MS = 10 * 60_000;
/** The wait for a busy queue doubles with so many events: 24 hours of it fit into a history of 10,000. */
const EVENTS_PER_DOUBLING = 1_000;
/** A step whose worker is lost and back again this often is perhaps what ends it. */
const MAX_LOSSES = 3;

type Steps = ReturnType<typeof landingSteps>;

/** The task queue of one landing directory. */
export class LandingQueue {
  readonly name: string;
  #ping: Promise<boolean> | undefined;

  constructor(name: string) {
    this.name = name;
  }

  /**
   * Runs a step on the queue. That no worker has taken it in time proves nothing: it may be busy. That its worker is not
   * heard of neither: it may be back. Only when nobody answers a ping is the queue lost, and the step fails.
   */
  async run<T>(step: (steps: Steps) => Promise<T>): Promise<T> {
    let wait = FIRST_WAIT_MS;
    for (let losses = 0; ;) {
      try {
        return await step(landingSteps(this.name, wait));
      } catch (error) {
        if (isHeartbeatTimeout(error)) losses += 1;
        else if (!isScheduleToStartTimeout(error)) throw error;
        if (losses === MAX_LOSSES || !(await this.#isAlive())) throw error;
        wait = busyWaitMs();
      }
    }
  }

  /** The steps of all files share one ping. */
  async #isAlive(): Promise<boolean> {
    this.#ping ??= ping(this.name).finally(() => (this.#ping = undefined));
    return await this.#ping;
  }
}

function busyWaitMs(): number {
  const doublings = Math.floor(workflowInfo().historyLength / EVENTS_PER_DOUBLING);
  return Math.min(BUSY_WAIT_MS * 2 ** doublings, MAX_BUSY_WAIT_MS);
}

async function ping(queue: string): Promise<boolean> {
  try {
    await pingSteps(queue).pingLanding.executeWithOptions({ summary: 'is its worker alive?' }, []);
    return true;
  } catch (error) {
    if (isTimeout(error)) return false;
    throw error;
  }
}
