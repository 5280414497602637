import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { json } from 'node:stream/consumers';
import { after, before, describe, test } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePort } from '../../dev/services/ports.ts';
import { addDays, dayOf } from '../../domain/load-date.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { startWorkerProcess, type Running } from '../support/processes.ts';
import { TestStack } from '../support/stack.ts';
import { until } from '../client/harness.ts';
import { findProgram } from '../support/programs.ts';
import { startAlertmanager, startPrometheus } from './prometheus.ts';

const PROGRAMS = {
  prometheus: findProgram('prometheus') ?? '',
  promtool: findProgram('promtool') ?? '',
  alertmanager: findProgram('alertmanager') ?? findProgram('prometheus-alertmanager') ?? '',
  amtool: findProgram('amtool') ?? '',
};
const skip =
  Object.values(PROGRAMS).includes('') &&
  'no Prometheus or Alertmanager: apt-get install prometheus prometheus-alertmanager';

interface Panel {
  title: string;
  datasource: { uid: string };
  targets: { expr: string }[];
}
interface Alert {
  status: 'firing' | 'resolved';
  labels: Record<string, string>;
  annotations: Record<string, string>;
}

/** How long we watch for a second message, with the intervals of this test. */
const WATCH_MS = 8_000;

const deployed = (name: string) => path.join(projectRoot, 'deploy', name);

describe(
  'dashboard and alerts, from a live worker by a real Prometheus and Alertmanager to a receiver',
  { skip },
  () => {
    const messages: Alert[] = [];
    /** What was begun, also when the rest failed. */
    const stops: (() => Promise<unknown>)[] = [];
    let worker: Running;
    let prometheus: Awaited<ReturnType<typeof startPrometheus>>;
    let alertmanagerFolder: string;

    before(async () => {
      const folder = await mkdtemp(path.join(tmpdir(), 'monitoring-'));
      stops.push(() => rm(folder, { recursive: true, force: true }));

      const receiver = createServer((request, response) => {
        void json(request).then((body) => {
          messages.push(...(body as { alerts: Alert[] }).alerts);
          response.end();
        });
      }).listen(0, '127.0.0.1');
      await once(receiver, 'listening');
      stops.push(async () => {
        receiver.closeAllConnections();
        await new Promise((resolve) => receiver.close(resolve));
      });
      const alertmanager = await startAlertmanager(
        { program: PROGRAMS.alertmanager, folder },
        `http://127.0.0.1:${(receiver.address() as AddressInfo).port}/`,
      );
      stops.push(() => alertmanager.close());
      alertmanagerFolder = alertmanager.folder;

      // Of four days the first is loaded with fewer rows than those before it, the second fails, and two are missing.
      const stack = await TestStack.start({ worker: false });
      stops.push(() => stack.close());
      const first = addDays(dayOf(new Date(), 'UTC'), -4);
      const second = addDays(first, 1);
      stack.deliveries.set(first, [{ uniq_id: 'a' }, { uniq_id: '' }]);
      stack.deliveries.set(second, 'no CSV');
      const both = async () => {
        await stack.runDay(first, { maxRejectedShare: 0.5 });
        await assert.rejects(stack.runDay(second));
      };
      // How fresh the mart is, is measured when a worker starts.
      const earlier = await stack.startWorker();
      for (const back of [4, 3, 2, 1]) {
        const day = addDays(first, -back);
        const orders = [1, 2, 3, 4].map((order) => ({ uniq_id: `${day} ${order}` }));
        stack.deliveries.set(day, orders);
        await stack.runDay(day);
      }
      await both();
      earlier.stop();
      await earlier.stopped;

      const METRICS_ADDRESS = `127.0.0.1:${await freePort()}`;
      worker = await startWorkerProcess({ ...stack.environment, METRICS_ADDRESS });
      stops.push(() => {
        worker.kill('SIGKILL');
        return worker.ended;
      });
      const place = { program: PROGRAMS.prometheus, folder };
      prometheus = await startPrometheus(place, METRICS_ADDRESS, alertmanager.address);
      stops.push(() => prometheus.close());
      // A rate needs two looks at a counter, with something happening in between.
      await both();
      await seen('sales:rows:growth1d');
      await seen('temporal_workflow_failed_total');
      await stack.runDay(first, { maxRejectedShare: 0.5 });
      await seen('temporal_workflow_completed_total == 2');
      await seen('sum(sales:rows:growth1d{file="user_order_log_inc", kind="kept"}) == 2');
      await seen('sales:activity_failures:growth15m');
    });
    after(async () => {
      for (const stop of stops.reverse()) await stop();
    });

    /** Waits until Prometheus has it. */
    async function seen(expression: string): Promise<void> {
      const isThere = async () => (await prometheus.query(expression)).length > 0;
      await until(`in Prometheus: ${expression}`, isThere);
    }

    test('every query of the dashboard gives numbers', async () => {
      const text = await readFile(deployed('grafana/dashboard.json'), 'utf8');
      const { panels } = JSON.parse(text) as { panels: Panel[] };
      assert.ok(panels.length >= 12);
      const source = await readFile(deployed('grafana/provisioning/datasources/prometheus.yml'), 'utf8');
      for (const { title, datasource, targets } of panels) {
        assert.ok(source.includes(`uid: ${datasource.uid}`), title);
        for (const { expr } of targets) {
          const numbers = (await prometheus.query(expr)).map(({ value }) => Number(value[1]));
          assert.ok(numbers.some(Number.isFinite), `${title}: no number from ${expr}`);
        }
      }
    });

    test('the numbers are the ones of the days that were loaded', async () => {
      const number = async (expression: string) => Number((await prometheus.query(expression))[0]?.value[1]);
      const rows = (kind: string) => `sum(sales:rows:growth1d{file="user_order_log_inc", kind="${kind}"})`;
      assert.equal(await number(rows('kept')), 2);
      assert.equal(await number(rows('rejected')), 2);
      assert.equal(await number('sum(temporal_workflow_failed_total)'), 1);
      assert.ok((await number('min(sales_newest_loaded_day_age_seconds)')) > 2 * 86_400);
      assert.equal(await number('sales_newest_loaded_day_volume_ratio{file="user_order_log_inc"}'), 0.25);
    });

    test('every rule is evaluated without an error, over metrics that the worker serves', async () => {
      const rules = await prometheus.rules();
      assert.ok(rules.filter(({ type }) => type === 'alerting').length >= 6);
      for (const { name, query, health, lastError } of rules) {
        assert.equal(health, 'ok', `${name}: ${lastError ?? ''}`);
        const metrics = query.match(/\b(?:sales|temporal)[a-z0-9_:]+/g) ?? [];
        assert.ok(metrics.length > 0, name);
        for (const metric of metrics) {
          assert.ok((await prometheus.query(metric)).length > 0, `${name}: nothing serves ${metric}`);
        }
      }
    });

    test('a day that is late, missing, failed or small, rejected rows, a killed worker: one message each', async () => {
      const names = () =>
        messages.filter(({ status }) => status === 'firing').map(({ labels }) => labels.alertname);
      const arrive = async (...expected: string[]) => {
        for (const name of expected) await until(`a message of ${name}`, () => names().includes(name));
      };
      const ofDays = ['DayFailed', 'DayLate', 'DayMissing', 'RowsRejected', 'VolumeLow'].map(
        (name) => `Sales${name}`,
      );
      await arrive(...ofDays);
      await sleep(WATCH_MS);
      assert.deepEqual(names().sort(), ofDays);
      worker.kill('SIGKILL');
      await arrive('SalesNoWorkerPolling');
      await sleep(WATCH_MS);
      assert.equal(names().filter((name) => name === 'SalesNoWorkerPolling').length, 1);

      const runbook = await readFile(path.join(projectRoot, 'docs/runbook.md'), 'utf8');
      const anchors = [...runbook.matchAll(/^#+ (\w+)$/gm)].map(([, heading = '']) => heading.toLowerCase());
      for (const { annotations } of messages) {
        const [file = '', anchor = ''] = (annotations.runbook_url ?? '').split('#');
        assert.match(file, /^https:\/\/\S+\/docs\/runbook\.md$/);
        assert.ok(anchors.includes(anchor), annotations.runbook_url);
        assert.ok(annotations.summary && annotations.description);
      }
    });

    test('promtool and amtool are content, and the rules pass their own tests', async () => {
      for (const [program, cwd, ...args] of [
        [PROGRAMS.promtool, deployed('prometheus'), 'check', 'config', 'prometheus.yml'],
        [PROGRAMS.promtool, deployed('prometheus'), 'test', 'rules', 'alerts.test.yml'],
        [PROGRAMS.amtool, alertmanagerFolder, 'check-config', 'alertmanager.yml'],
      ] as [string, string, ...string[]][]) {
        assert.match((await promisify(execFile)(program, args, { cwd })).stdout, /SUCCESS/);
      }
    });
  },
);
