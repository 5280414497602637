import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, test, type TestContext } from 'node:test';
import { failure } from '../../domain/failures.ts';
import { kill, stackFor, startWorkerProcess, until } from '../client/harness.ts';
import { fakeDays, type FakeDay } from '../support/fake-day.ts';
import { resetPoints, resetRun } from '../support/reset.ts';
import { DATE, REPORT } from '../support/usual-answers.ts';

interface Message {
  text: string;
  kind: string;
  date: string;
  url: string;
  next: string;
}

/** Receives alerts. */
class Webhook {
  readonly messages: Message[] = [];
  /** Calls that it has not answered with 200. */
  refused = 0;
  /** What it answers; undefined: nothing at all. */
  status: number | undefined = 200;
  url = '';

  static async start(t: TestContext): Promise<Webhook> {
    const webhook = new Webhook();
    const server = createServer((request, response) => {
      let body = '';
      request.on('data', (chunk: Buffer) => (body += chunk.toString()));
      request.on('end', () => {
        const { status } = webhook;
        if (status === 200) webhook.messages.push(JSON.parse(body) as Message);
        else webhook.refused += 1;
        if (status !== undefined) response.writeHead(status).end('ok');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    t.after(() => {
      server.close();
      server.closeAllConnections();
    });
    webhook.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook/T0SECRET`;
    return webhook;
  }

  settings(): Record<string, string> {
    return { ALERT_WEBHOOK_URL: this.url, TEMPORAL_UI_URL: 'http://ui.example' };
  }
}

test('one message for a failed day, though the webhook fails at first and the worker is killed: what to do, a link, no secret', async (t) => {
  const webhook = await Webhook.start(t);
  const stack = await stackFor(t, { worker: false, settings: webhook.settings() });
  const first = await startWorkerProcess(t, stack);
  webhook.status = 500;
  const status = '<!channel> & <https://evil.example|click>\u001b]0;title\u0007';
  stack.api.addFault({ on: 'get_report', do: 'report-status', status });
  const handle = await stack.startDay(DATE);
  await assert.rejects(handle.result());
  await until('the webhook has refused it', () => webhook.refused > 0);
  webhook.status = undefined;
  const calls = webhook.refused;
  await until('a call has begun that is not answered', () => webhook.refused > calls);
  await kill(first);
  webhook.status = 200;
  await startWorkerProcess(t, stack);
  await until('it is told', () => webhook.messages.length > 0);
  const [{ kind, date, text, next, url } = {} as Message] = webhook.messages;
  assert.deepEqual([kind, date], ['failed', DATE]);
  // Slack's control characters are escaped, and others left out.
  assert.match(text, /&lt;!channel&gt; &amp; &lt;https:\/\/evil\.example\|click&gt;/);
  assert.doesNotMatch(text, /[<>]|&(?!amp;|lt;|gt;)/);
  assert.match(text, /^(?:[^\p{Cc}]|\n)+$/u);
  assert.match(next, /Run the day again/);
  assert.match(url, /^http:\/\/ui\.example\/namespaces\/default\/workflows\/test-/);
  const alerts = stack.client.workflow.list({
    query: `WorkflowType = "salesAlert" and WorkflowId starts_with "${handle.workflowId}-alert-failed-"`,
  });
  const ids = [handle.workflowId];
  await until('the workflow of the alert has ended', async () => {
    for await (const { workflowId, status } of alerts) if (status.name === 'COMPLETED') ids.push(workflowId);
    return ids.length > 1;
  });
  for (const workflowId of ids) {
    const history = JSON.stringify(
      await stack.client.workflow.getHandle(workflowId).fetchHistory(),
      (_, value: unknown) => (value instanceof Uint8Array ? Buffer.from(value).toString() : value),
    );
    assert.match(history, /2024-02-25/);
    assert.doesNotMatch(history, /T0SECRET/);
  }
  assert.equal(webhook.messages.length, 1);
});

describe('what is told of a day', { concurrency: true }, () => {
  const given = fakeDays();
  const LATE = { lateAfterMs: 300, reportPollIntervalMs: 100 };

  /** Its report is ready once it has been told as late. */
  function lateDay(): FakeDay {
    const day = given();
    day.answers.getReport = () => (day.count('sendAlert') > 0 ? REPORT : undefined);
    return day;
  }

  const kindsOf = (day: FakeDay) => day.argsOf('sendAlert').map(([{ kind, loadDate }]) => [kind, loadDate]);

  test('that it is late, once, while it goes on', async () => {
    const day = lateDay();
    assert.equal((await (await day.start(LATE)).result()).outcome, 'loaded');
    assert.deepEqual(kindsOf(day), [['late', DATE]]);
  });

  test('a day that has been told as late can be reset to any point', async () => {
    const day = lateDay();
    const run = await day.start(LATE);
    await run.result();
    for (const point of await resetPoints(day, run.workflowId, run.firstExecutionRunId))
      assert.equal(
        await resetRun(day, run.workflowId, run.firstExecutionRunId, point),
        'loaded',
        `event ${String(point)}`,
      );
    assert.deepEqual(kindsOf(day)[0], ['late', DATE]);
  });

  test('a webhook that does not work delays no day; the message arrives when it works again', async () => {
    const day = lateDay();
    day.answers.sendAlert = () => {
      throw failure('AlertNotSent', 'The alert webhook answered 500.');
    };
    assert.equal((await (await day.start(LATE)).result()).outcome, 'loaded');
    await until('it was tried again', () => day.count('sendAlert') >= 2);
    const told: string[] = [];
    day.answers.sendAlert = ({ kind }) => {
      told.push(kind);
      return 'sent';
    };
    await until('it is told', () => told.length > 0);
    assert.deepEqual(told, ['late']);
  });

  test('that it has far fewer rows than usual (contract, ruling 33)', async () => {
    const warning = 'user_order_log_inc kept 4 rows; the median of its last loaded days is 10';
    const day = given({ updateFSales: () => ({ missing: [], volumeWarnings: [warning] }) });
    const { outcome, warnings } = await (await day.start()).result();
    assert.deepEqual([outcome, warnings], ['loaded', [warning]]);
    await until('it is told', () => day.count('sendAlert') > 0);
    const [[alert] = []] = day.argsOf('sendAlert');
    assert.deepEqual([alert?.kind, alert?.error], ['volume', `${warning}.`]);
  });
});
