import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, test } from 'node:test';
import { projectRoot } from '../../runtime/project-root.ts';
import { variable } from '../support/database.ts';
import { documentName } from '../support/client-documents.ts';
import type { Ended, Running } from '../support/processes.ts';
import { blocksOf } from './guide.ts';
import { Terminal } from './terminal.ts';

/** Every command of the README is run here, on the stack that its first one starts, or is one that CI runs itself. */
const DATE = '2024-02-25';

const read = (file: string) => readFile(path.join(projectRoot, file), 'utf8');
const readme = await read('README.md');

/** What the README writes as a command: a line of a block or a piece of code in the text that begins like one. */
const written = [...readme.matchAll(/(?:^|`)((?:npm |npx |\.\/temporal-dev)[^`\n]*)(?:`|$)/gm)].map(
  ([, line = '']) => line,
);

/** The rows of its table of commands: `schedule apply\|show` is two. */
const rows = [...readme.matchAll(/^\| `([a-z][^`]*)` +\| (.*)\|$/gm)].flatMap(([row, usage = '']) => {
  const words =
    usage
      .replaceAll('\\|', '|')
      .split(/ (?=[[-])/)[0]
      ?.split(' ') ?? [];
  const last = words.pop() ?? '';
  const options = [...new Set(row.match(/--[a-z-]+/g))];
  return last.split('|').map((name) => ({ command: [...words, name].join(' '), options }));
});

let directory: string;
let terminal: Terminal;
let stack: Running;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'readme-'));
  // `forget` waits until the worker has done what it does by this interval.
  const HOUSEKEEPING_INTERVAL = '500ms';
  terminal = new Terminal(projectRoot, { TEMPORAL_CLI: variable('TEMPORAL_CLI'), HOUSEKEEPING_INTERVAL });
  stack = terminal.type(`./temporal-dev.sh --date ${DATE} --state ${directory}/state`);
  await stack.says('Everything stays up until Ctrl-C.');
  terminal.export({ OUT: path.join(directory, 'report.html') });
  const shellFile = await readFile(path.join(directory, 'state', 'env'), 'utf8');
  for (const [, name = '', value = ''] of shellFile.matchAll(/^export (\w+)='([^']*)'$/gm)) {
    terminal.export({ [name]: value });
  }
});

after(async () => {
  stack.kill('SIGINT');
  const { code, stderr } = await stack.ended;
  await rm(directory, { recursive: true, force: true });
  assert.equal(code, 0, stderr);
});

async function done(line: string): Promise<Ended> {
  const ended = await terminal.run(line);
  assert.equal(ended.code, 0, `${line}: ${ended.stdout}${ended.stderr}`);
  return ended;
}

/** By the text of the README. */
const RUNS: Readonly<Record<string, () => Promise<void>>> = {
  './temporal-dev.sh': itsOutputIsThatOfTheReadme,
  'npm ci && npm test': () => runByCi('npm ci', 'npm test'),
  'npm test -- test/worker.test.ts': () => runByCi('npm test'),
  'npm run check': () => runByCi('npm run check'),
  'npm run worker': secondWorker,
  'npm run client -- COMMAND': async () => {
    assert.match((await done('npm run client -- --help')).stdout, /^Usage: client .*Commands:/ms);
  },
  'npm run --silent client -- status --json': () => printsStatus('npm run --silent client -- status --json'),
  'npx sales-increment status --json': () => printsStatus('npx sales-increment status --json'),
};

/** By the rows of the table: what is run of each, in this order. */
const CLIENT: Readonly<Record<string, string>> = {
  migrate: '',
  'search-attributes': '',
  run: `--date ${DATE} --file price_log_inc`,
  backfill: '--from 2024-02-26 --to 2024-02-27 --concurrency 2 --only-missing',
  bootstrap: '',
  status: `--from ${DATE} --to 2024-02-27 --calendar --fail-on-gap`,
  forget: '--customer 4711',
  verify: '',
  report: '--out $OUT --from 2024-02-25 --to 2024-02-27',
  'schedule apply': '',
  'schedule show': '',
  'schedule resume': '',
  'schedule pause': '',
  'schedule trigger': `--date ${DATE}`,
  'schedule delete': '',
};

test('every command of the README has a run here, and every run a command', () => {
  assert.deepEqual([...new Set(written)].sort(), Object.keys(RUNS).sort());
  assert.deepEqual(rows.map(({ command }) => command).sort(), Object.keys(CLIENT).sort());
});

for (const [command, run] of Object.entries(RUNS)) test(command, run);

describe('the client', { concurrency: 2 }, () => {
  const isOfSchedule = (command: string) => command.startsWith('schedule ');
  for (const group of [
    Object.keys(CLIENT).filter((c) => !isOfSchedule(c)),
    Object.keys(CLIENT).filter(isOfSchedule),
  ]) {
    describe(group.join(', '), () => {
      for (const command of group) test(command, () => runClient(command));
    });
  }
});

async function runClient(command: string): Promise<void> {
  const { stdout } = await done(`npm run --silent client -- ${command} ${CLIENT[command] ?? ''} --json`);
  assert.notEqual(documentName(command.split(' '), stdout), 'Failure');
  const { options = [] } = rows.find((row) => row.command === command) ?? {};
  const help = options.length > 0 ? (await done(`npm run client -- ${command} --help`)).stdout : '';
  for (const option of options) assert.ok(help.includes(option), `${command} has no ${option}`);
  if (command === 'report') assert.ok((await stat(path.join(directory, 'report.html'))).size > 10_000);
}

/** Line by line, but for what differs from start to start: numbers of ports, processes and seconds, where the CLI is and which. */
async function itsOutputIsThatOfTheReadme(): Promise<void> {
  const transcript = blocksOf(readme).find(({ text }) => text.startsWith('Temporal CLI'))?.text ?? '';
  const expected = transcript.trimEnd().split('\n');
  assert.ok(expected.length > 20 && expected.pop() === '…');
  const output = new Set(stack.output().split('\n').map(lasting));
  for (const line of expected) assert.ok(output.has(lasting(line)), `not printed: ${line}`);
  await Promise.resolve();
}

function lasting(line: string): string {
  if (line.startsWith('│')) return line;
  return line.replace(/ from .*| applied .*|(?<=^Temporal CLI) .*/, '').replace(/\d+/g, '#');
}

async function printsStatus(line: string): Promise<void> {
  assert.equal(documentName(['status'], (await done(line)).stdout), 'Status');
}

async function runByCi(...lines: string[]): Promise<void> {
  const ci = await read('.ci/run');
  for (const line of lines) assert.match(ci, new RegExp(`^${line}\\b`, 'm'));
}

async function secondWorker(): Promise<void> {
  const worker = terminal.type('npm run worker');
  await worker.says('worker started');
  worker.kill('SIGINT');
  const { stdout, stderr } = await worker.ended;
  assert.match(stdout + stderr, /worker stopped/);
}
