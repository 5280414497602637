import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { freePort } from '../../dev/services/ports.ts';
import { addDays, dayOf } from '../../domain/load-date.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { startWorkerProcess } from '../support/processes.ts';
import { TestStack } from '../support/stack.ts';
import { until } from '../client/harness.ts';
import { findProgram } from '../support/programs.ts';
import { check, Prometheus } from './prometheus.ts';

interface Panel {
  title: string;
  datasource: { uid: string };
  targets: { expr: string }[];
}

const deployed = (name: string) => path.join(projectRoot, 'deploy', name);
const program = findProgram('prometheus');
const tool = findProgram('promtool');
const skip = (program === undefined || tool === undefined) && 'no Prometheus: apt-get install prometheus';

describe('dashboard and alerts, against a live worker and a real Prometheus', { skip }, () => {
  let prometheus: Prometheus;
  /** What was begun, also when the rest failed. */
  const stops: (() => Promise<unknown>)[] = [];

  before(async () => {
    assert.ok(program !== undefined && tool !== undefined);
    const folder = await mkdtemp(path.join(tmpdir(), 'prometheus-'));
    stops.push(() => rm(folder, { recursive: true, force: true }));
    const stack = await TestStack.start({ worker: false });
    stops.push(() => stack.close());
    const yesterday = addDays(dayOf(new Date(), 'UTC'), -1);
    const days = [3, 2, 1, 0].map((back) => addDays(yesterday, -back)) as [string, string, string, string];
    for (const day of days) stack.deliveries.set(day, [{ uniq_id: day }, { uniq_id: '' }]);
    stack.deliveries.set(days[1], 'no CSV');
    // How fresh the mart is, is measured when a worker starts: something must be loaded by then.
    const first = await stack.startWorker();
    for (const back of [7, 6, 5, 4]) {
      const day = addDays(yesterday, -back);
      stack.deliveries.set(day, [{ uniq_id: `${day} 1` }, { uniq_id: `${day} 2` }]);
      await stack.runDay(day);
    }
    await stack.runDay(days[0], { maxRejectedShare: 0.5 });
    first.stop();
    await first.stopped;
    const METRICS_ADDRESS = `127.0.0.1:${await freePort()}`;
    const worker = await startWorkerProcess({ ...stack.environment, METRICS_ADDRESS });
    stops.push(() => {
      worker.kill('SIGTERM');
      return worker.ended;
    });
    prometheus = await Prometheus.start({ program, folder, target: METRICS_ADDRESS });
    stops.push(() => prometheus.close());
    // A rate needs two looks at a counter, with something happening in between.
    await stack.runDay(days[2], { maxRejectedShare: 0.5 });
    await assert.rejects(stack.runDay(days[1]));
    await seen('sales:rows:growth1d');
    await seen('temporal_workflow_failed_total');
    await stack.runDay(days[3], { maxRejectedShare: 0.5 });
    await seen('temporal_workflow_completed_total == 2');
    await seen('sum(sales:rows:growth1d{file="user_order_log_inc", kind="kept"}) == 2');
    await seen('sales:activity_failures:growth15m');
    await seen('ALERTS{alertname="SalesRowsRejected"}');
  });
  after(async () => {
    for (const stop of stops.reverse()) await stop();
  });

  /** Waits until Prometheus has it. */
  async function seen(expression: string): Promise<void> {
    await until(`in Prometheus: ${expression}`, async () => (await prometheus.query(expression)).length > 0);
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
    assert.equal(await number('sales_newest_loaded_day_volume_ratio{file="user_order_log_inc"}'), 0.5);
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

  test('a bad delivery raises its alert', async () => {
    const [sample] = await prometheus.query('ALERTS{alertname="SalesRowsRejected"}');
    assert.equal(sample?.metric.alertstate, 'firing');
    assert.equal(sample.metric.file, 'user_order_log_inc');
  });

  test('promtool is content with the rules and the configuration, and the rules pass their own tests', async () => {
    assert.ok(tool !== undefined);
    assert.match(await check(tool, ['check', 'config', 'prometheus.yml']), /SUCCESS/);
    assert.match(await check(tool, ['test', 'rules', 'alerts.test.yml']), /SUCCESS/);
  });
});
