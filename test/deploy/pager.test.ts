import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../dev/services/ports.ts';
import { addDays, dayOf } from '../../domain/load-date.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { startWorkerProcess, type Running } from '../support/processes.ts';
import { TestStack } from '../support/stack.ts';
import { until } from '../client/harness.ts';
import { findProgram } from '../support/programs.ts';
import { check, Prometheus, startAlertmanager } from './prometheus.ts';

const prometheusProgram = findProgram('prometheus');
const alertmanagerProgram = findProgram('alertmanager') ?? findProgram('prometheus-alertmanager');
const amtool = findProgram('amtool');
const skip =
  (prometheusProgram === undefined || alertmanagerProgram === undefined || amtool === undefined) &&
  'no Prometheus or Alertmanager: apt-get install prometheus prometheus-alertmanager';

interface Alert {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** How long we watch for a second message, with the intervals of this test. */
const WATCH_MS = 8_000;

describe('the pager, from a live worker by Prometheus and Alertmanager to a receiver', { skip }, () => {
  const began = performance.now();
  const messages: (Alert & { atMs: number })[] = [];
  const stops: (() => Promise<unknown>)[] = [];
  let worker: Running;
  let alertmanagerConfig: string;

  before(async () => {
    assert.ok(prometheusProgram !== undefined && alertmanagerProgram !== undefined);
    const folder = await mkdtemp(path.join(tmpdir(), 'pager-'));
    stops.push(() => rm(folder, { recursive: true, force: true }));

    const receiver = createServer((request, response) => {
      void json(request).then((body) => {
        for (const alert of (body as { alerts: Alert[] }).alerts)
          messages.push({ ...alert, atMs: performance.now() - began });
        response.end();
      });
    }).listen(0, '127.0.0.1');
    await once(receiver, 'listening');
    stops.push(async () => {
      receiver.closeAllConnections();
      await new Promise((resolve) => receiver.close(resolve));
    });
    const webhookUrl = `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`;
    const alertmanager = await startAlertmanager({
      program: alertmanagerProgram,
      folder: path.join(folder, 'alertmanager'),
      webhookUrl,
    });
    stops.push(() => alertmanager.close());
    alertmanagerConfig = alertmanager.configFile;

    // Of four days the first is loaded with fewer rows than those before it, the second fails, and two are missing.
    const stack = await TestStack.start({ worker: false });
    stops.push(() => stack.close());
    const first = addDays(dayOf(new Date(), 'UTC'), -4);
    stack.deliveries.set(first, [{ uniq_id: 'a' }, { uniq_id: '' }]);
    stack.deliveries.set(addDays(first, 1), 'no CSV');
    // How fresh the mart is, is measured when a worker starts.
    const earlier = await stack.startWorker();
    for (const back of [4, 3, 2, 1]) {
      const day = addDays(first, -back);
      stack.deliveries.set(
        day,
        [1, 2, 3].map((order) => ({ uniq_id: `${day} ${order}` })),
      );
      await stack.runDay(day);
    }
    await stack.runDay(first, { maxRejectedShare: 0.5 });
    await assert.rejects(stack.runDay(addDays(first, 1)));
    earlier.stop();
    await earlier.stopped;

    const METRICS_ADDRESS = `127.0.0.1:${await freePort()}`;
    worker = await startWorkerProcess({ ...stack.environment, METRICS_ADDRESS });
    stops.push(() => {
      worker.kill('SIGKILL');
      return worker.ended;
    });
    await stack.runDay(first, { maxRejectedShare: 0.5 });
    const prometheus = await Prometheus.start({
      program: prometheusProgram,
      folder: path.join(folder, 'prometheus'),
      target: METRICS_ADDRESS,
      alertmanager: alertmanager.address,
    });
    stops.push(() => prometheus.close());
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  const firing = (name: string) =>
    messages.filter(({ status, labels }) => status === 'firing' && labels.alertname === name);

  async function arrives(name: string): Promise<Alert & { atMs: number }> {
    await until(`a message of ${name}`, () => firing(name).length > 0);
    return firing(name)[0] as Alert & { atMs: number };
  }

  /** Once, with a link to a paragraph of the runbook. */
  async function checkMessage(name: string): Promise<void> {
    assert.equal(firing(name).length, 1, `messages of ${name}`);
    const { annotations } = await arrives(name);
    const [file, anchor = ''] = (annotations.runbook_url ?? '').split('#');
    assert.match(file ?? '', /^https:\/\/\S+\/docs\/runbook\.md$/);
    const runbook = await readFile(path.join(projectRoot, 'docs/runbook.md'), 'utf8');
    const anchors = [...runbook.matchAll(/^#+ (\w+)$/gm)].map(([, heading = '']) => heading.toLowerCase());
    assert.ok(anchors.includes(anchor), annotations.runbook_url);
    assert.ok(annotations.summary && annotations.description);
  }

  test('a day that is late, missing, failed or small, and rejected rows: one message each', async (t) => {
    const names = [
      'SalesDayLate',
      'SalesDayMissing',
      'SalesDayFailed',
      'SalesVolumeLow',
      'SalesRowsRejected',
    ];
    for (const name of names) {
      const { atMs } = await arrives(name);
      t.diagnostic(`${name} at the receiver ${Math.round(atMs / 100) / 10} s after the start`);
    }
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    for (const name of names) await checkMessage(name);
    assert.deepEqual([...new Set(messages.map(({ labels }) => labels.alertname))].sort(), [...names].sort());
  });

  test('a worker that is killed: one message, with the link to the runbook', async (t) => {
    const killedAt = performance.now() - began;
    worker.kill('SIGKILL');
    const { atMs } = await arrives('SalesNoWorkerPolling');
    t.diagnostic(
      `the message arrived ${Math.round((atMs - killedAt) / 100) / 10} s after the worker was killed`,
    );
    await new Promise((resolve) => setTimeout(resolve, WATCH_MS));
    await checkMessage('SalesNoWorkerPolling');
  });

  test('amtool is content with the route', async () => {
    assert.ok(amtool !== undefined);
    assert.match(await check(amtool, ['check-config', alertmanagerConfig]), /SUCCESS/);
  });
});
