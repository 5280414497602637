import { setTimeout as sleep } from 'node:timers/promises';
import type { Client, WorkflowHandle } from '@temporalio/client';
import { Presets, SingleBar } from 'cli-progress';
import type { BackfillState } from '../workflows/steps/backfill-control.ts';
import { explainNoAnswer } from './follow.ts';
import type { Output } from './output.ts';

const POLL_INTERVAL_MS = 1_000;
const QUERY_TIMEOUT_MS = 3_000;

/** Shows a backfill's progress: a bar with rate and time left in a terminal, plain lines elsewhere. */
export async function watchBackfill(
  client: Client,
  handle: WorkflowHandle,
  taskQueue: string,
  output: Output,
  signal: AbortSignal,
): Promise<void> {
  const view = process.stderr.isTTY ? bar() : lines(output);
  for (let running = true; running;) {
    try {
      const state = await client.connection.withDeadline(Date.now() + QUERY_TIMEOUT_MS, () =>
        handle.query<BackfillState>('progress'),
      );
      view.show(state);
    } catch (error) {
      // The workflow has ended, or no worker answers.
      if (!signal.aborted) view.note(await explainNoAnswer(client, handle, taskQueue, error));
    }
    running = await sleep(POLL_INTERVAL_MS, true, { signal }).catch(() => false);
  }
  view.end();
}

interface View {
  show(state: BackfillState): void;
  note(line: string): void;
  end(): void;
}

function daysDone({ loaded, no_increment, failed }: BackfillState): number {
  return loaded + no_increment + failed;
}

function bar(): View {
  const started = Date.now();
  const progressBar = new SingleBar(
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
      const done = daysDone(state);
      const rate = (done / Math.max(1, (Date.now() - started) / 1_000)).toFixed(1);
      const payload = { failed: state.failed, rate, paused: state.paused ? ' (paused)' : '' };
      if (state.days === null) return;
      if (!isStarted) progressBar.start(state.days, done, payload);
      isStarted = true;
      progressBar.update(done, payload);
    },
    note: () => undefined,
    end: () => progressBar.stop(),
  };
}

function lines(output: Output): View {
  const started = Date.now();
  let lastLine = '';
  const note = (line: string) => {
    if (line !== lastLine) output.note(line);
    lastLine = line;
  };
  let shown = -1;
  let paused = false;
  return {
    show(state) {
      if (state.days === null) {
        note(`Listing the days.${state.paused ? ' Paused: no more days start.' : ''}`);
        return;
      }
      const done = daysDone(state);
      if (state.paused !== paused) note(state.paused ? 'Paused: no more days start.' : 'Resumed.');
      paused = state.paused;
      if (done === shown) return;
      shown = done;
      const rate = done / Math.max(1, (Date.now() - started) / 1_000);
      const left = rate > 0 ? `, about ${Math.ceil((state.days - done) / rate)} s left` : '';
      note(`${done} of ${state.days} days, ${state.failed} failed, ${rate.toFixed(1)} days/s${left}`);
    },
    note,
    end: () => undefined,
  };
}
