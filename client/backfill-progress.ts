import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { Presets, SingleBar } from 'cli-progress';
import type { BackfillState } from '../workflows/steps/backfill-control.ts';
import { whyNoAnswer } from './follow.ts';
import type { Output } from './output.ts';

const LOOK_EVERY_MS = 1_000;
const QUERY_LIMIT_MS = 3_000;

/** Shows how far a backfill is: a bar with rate and remaining time in a terminal, plain lines elsewhere. */
export async function watchBackfill(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const view = process.stderr.isTTY ? bar() : lines(output);
  for (let more = true; more;) {
    try {
      const state = await client.connection.withDeadline(Date.now() + QUERY_LIMIT_MS, () =>
        handle.query<BackfillState>('progress'),
      );
      view.show(state);
    } catch (error) {
      // The workflow has ended, or no worker answers.
      if (!signal.aborted) view.say(await whyNoAnswer(client, handle, taskQueue, error));
    }
    more = await sleep(LOOK_EVERY_MS, true, { signal }).catch(() => false);
  }
  view.end();
}

interface View {
  show(state: BackfillState): void;
  say(line: string): void;
  end(): void;
}

function doneOf({ loaded, no_increment, failed }: BackfillState): number {
  return loaded + no_increment + failed;
}

function bar(): View {
  const started = Date.now();
  const single = new SingleBar(
    {
      format: '{bar} {value}/{total} days, {failed} failed, {rate} days/s, {eta_formatted} left{paused}',
      hideCursor: true,
      etaBuffer: 50,
    },
    Presets.shades_classic,
  );
  let isStarted = false;
  return {
    show(state) {
      const done = doneOf(state);
      const rate = (done / Math.max(1, (Date.now() - started) / 1_000)).toFixed(1);
      const payload = { failed: state.failed, rate, paused: state.paused ? ' (paused)' : '' };
      if (!isStarted) single.start(state.days, done, payload);
      isStarted = true;
      single.update(done, payload);
    },
    say: () => undefined,
    end: () => single.stop(),
  };
}

function lines(output: Output): View {
  const started = Date.now();
  let said = '';
  const say = (line: string) => {
    if (line !== said) output.note(line);
    said = line;
  };
  let shown = -1;
  return {
    show(state) {
      const done = doneOf(state);
      if (done === shown) return;
      shown = done;
      const rate = done / Math.max(1, (Date.now() - started) / 1_000);
      const left = rate > 0 ? `, about ${Math.ceil((state.days - done) / rate)} s left` : '';
      say(`${done} of ${state.days} days, ${state.failed} failed, ${rate.toFixed(1)} days/s${left}`);
    },
    say,
    end: () => undefined,
  };
}
