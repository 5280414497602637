import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { after, describe, test } from 'node:test';
import { projectRoot } from '../../runtime/project-root.ts';
import { commandOf, documentName, documentsOf } from '../support/client-documents.ts';
import { client, start } from '../support/processes.ts';
import { TestStack } from '../support/stack.ts';
import { failed } from './failed.ts';
import { callsOf, kill, until } from './harness.ts';

/** Every command with every document of its published schema, by what the client really prints. */
const commands = (await readdir(path.join(projectRoot, 'schemas')))
  .filter((name) => name.endsWith('.schema.json'))
  .map((name) => name.replace('.schema.json', ''));
const printed = new Map(commands.map((command) => [command, new Set<string>()]));

const stack = await TestStack.start({
  api: { pollsUntilReady: 1 },
  settings: { HOUSEKEEPING_INTERVAL: '200ms' },
});
for (const day of ['2024-03-01', '2024-03-02', '2024-03-06']) stack.deliveries.set(day, [{ uniq_id: day }]);
stack.deliveries.set('2024-03-03', '<html></html>');
after(() => stack.close());

/** Runs a command that is to print this document and to end with this code. */
async function prints(document: string, code: number, line: string, settings: Record<string, string> = {}) {
  const args = line.split(' ');
  const ended = await client([...args, '--json'], { ...stack.environment, ...settings });
  assert.equal(ended.code, code, `${line}: ${ended.stdout}${ended.stderr}`);
  assert.equal(documentName(args, ended.stdout), document, line);
  printed.get(commandOf(args))?.add(document);
}

describe('documents', { concurrency: 2 }, () => {
  test('of days, history, status and report', async () => {
    await prints('Migrated', 0, 'migrate');
    await prints('SearchAttributes', 0, 'search-attributes');
    await prints('LoadedRun', 0, 'run --date 2024-03-01');
    await prints('LoadedRun', 0, 'run --date 2024-03-04');
    await prints('LoadedRun', 0, 'run --date 2024-03-06 --file price_log_inc');
    await prints('FailedRun', 1, 'run --date 2024-03-03');
    await prints('Backfill', 1, 'backfill --from 2024-03-01 --to 2024-03-04');
    await prints('LoadedRun', 0, 'bootstrap');
    stack.deliveries.history.files.user_order_log = '<html></html>';
    await prints('FailedRun', 1, 'bootstrap');
    await prints('Status', 0, 'status');
    await prints('Status', 1, 'status --fail-on-gap');
    await prints('Forgotten', 0, 'forget --customer 1 --customer 2');
    await prints('Verified', 0, 'verify --repair');
    await prints('ReportWritten', 0, `report --out ${path.join(stack.landingDir, 'report.html')}`);
  });

  test('of a backfill that is controlled, and cancelled', async (t) => {
    stack.deliveries.set('2024-04-01', [{ uniq_id: 'held' }], { price_log_inc: null });
    const range = 'backfill --from 2024-04-01 --to 2024-04-01';
    const backfill = start(['client/main.ts', ...range.split(' '), '--json'], {
      ...stack.environment,
      FILES_TIMEOUT: '1h',
      REPORT_POLL_INTERVAL: '2s',
    });
    t.after(() => kill(backfill));
    await until('the file is waited for', () => callsOf(stack, 'get_increment', '2024-04-01').length > 1);
    await prints('BackfillControl', 0, `${range} --pause`);
    await prints('BackfillControl', 0, `${range} --resume`);
    await prints('BackfillControl', 0, `${range} --cancel`);
    const { code, stdout } = await backfill.ended;
    assert.equal(code, 1);
    assert.equal(documentName(['backfill'], stdout), 'Backfill');
    await prints('Failure', 1, `${range} --pause`);
  });

  test('of the schedule', async () => {
    await prints('Failure', 1, 'schedule show');
    await prints('ScheduleApplied', 0, 'schedule apply');
    await prints('ScheduleApplied', 0, 'schedule apply', { SCHEDULE_TIME: '06:30', FILES_TIMEOUT: '7s' });
    await prints('SchedulePaused', 0, 'schedule pause');
    await prints('SchedulePaused', 0, 'schedule resume');
    await prints('ScheduleTriggered', 0, 'schedule trigger');
    await prints('DayTriggered', 0, 'schedule trigger --date 2024-03-02');
    await prints('Schedule', 0, 'schedule show');
    await prints('Schedule', 0, 'schedule show', { DATABASE_URL: 'postgresql://127.0.0.1:1/sales' });
    await prints('ScheduleDeleted', 0, 'schedule delete');
    await prints('ScheduleDeleted', 0, 'schedule delete');
  });
});

/** In this process: that one prints its document is tried in usage.test.ts. */
async function fails(line: string, settings: Record<string, string> = {}) {
  const args = line.split(' ');
  const { exitCode, document } = await failed(args, settings);
  assert.equal(exitCode, 2, line);
  assert.equal(documentName(args, JSON.stringify(document)), 'Failure', line);
  printed.get(commandOf(args))?.add('Failure');
}

for (const command of commands.map((name) => name.replace('schedule-', 'schedule ')))
  test(`${command}: wrong usage, and settings that cannot be used`, async () => {
    await fails(`${command} --no-such-option`);
    if (command === 'error') return;
    const required: Record<string, string> = {
      backfill: ' --from 2024-03-01 --to 2024-03-01',
      forget: ' --customer 1',
    };
    await fails(`${command}${required[command] ?? ''}`, { DATABASE_URL: 'x y', TEMPORAL_ADDRESS: 'x y' });
  });

test('every document of every schema was printed', () => {
  for (const [command, names] of printed)
    assert.deepEqual([...names].sort(), [...documentsOf(command).keys()].sort(), command);
});

test('a field that is not documented, or is missing, is a fault', () => {
  const migrated = { version: 3, applied: [] };
  assert.equal(documentName(['migrate'], JSON.stringify(migrated)), 'Migrated');
  for (const wrong of [{ ...migrated, aplied: [] }, { version: 3 }, { ...migrated, version: '3' }])
    assert.throws(() => documentName(['migrate'], JSON.stringify(wrong)), /schemas\/migrate\.schema\.json/);
});
