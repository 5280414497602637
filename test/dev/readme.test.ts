import assert from 'node:assert/strict';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, test } from 'node:test';
import type { Command } from 'commander';
import { program } from '../../client/program.ts';
import { projectRoot } from '../../runtime/project-root.ts';
import { variable } from '../support/database.ts';
import { documentName } from '../support/client-documents.ts';
import type { Ended, Running } from '../support/processes.ts';
import { blocksOf } from './guide.ts';
import { Terminal } from './terminal.ts';

/** The commands of the README, on the stack that its first one starts, but for those that CI runs itself. */
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

const fresh = new Terminal(projectRoot, { TEMPORAL_CLI: variable('TEMPORAL_CLI') });
let directory: string;
let state: string;
/** After the `source` line that the stack prints. */
let terminal: Terminal;
let stack: Running;
let other: Running;

before(async () => {
  directory = await mkdtemp(path.join(tmpdir(), 'readme-'));
  state = path.join(directory, 'state');
  // Whatever it is, what the stack keeps is for its user only.
  process.umask(0);
  stack = fresh.type(`./temporal-dev.sh --date ${DATE} --state ${state}`);
  other = fresh.type(`./temporal-dev.sh --once --state ${directory}/other`);
  await stack.says('Everything stays up until Ctrl-C.');
  terminal = new Terminal(projectRoot);
  const shellFile = await readFile(path.join(state, 'env'), 'utf8');
  for (const [, name = '', value = ''] of shellFile.matchAll(/^export (\w+)='([^']*)'$/gm)) {
    terminal.export({ [name]: value });
  }
});

after(async () => {
  for (const running of [stack, other]) running.kill('SIGINT');
  await Promise.all([stack.ended, other.ended]);
  await rm(directory, { recursive: true, force: true });
});

async function done(line: string): Promise<Ended> {
  const ended = await terminal.run(line);
  assert.equal(ended.code, 0, `${line}: ${ended.stdout}${ended.stderr}`);
  return ended;
}

/** By the text of the README. */
const RUNS: Readonly<Record<string, () => void | Promise<void>>> = {
  './temporal-dev.sh': itsOutputIsThatOfTheReadme,
  'npm ci && npm test': () => runByCi('npm ci', 'npm test'),
  'npm test -- test/worker.test.ts': () => runByCi('npm test'),
  'npm run check': () => runByCi('npm run check'),
  'npm run worker': secondWorker,
  'npm run client -- COMMAND': theTableIsThatOfTheClient,
  'npm run --silent client -- status --json': () => printsStatus('npm run --silent client -- status --json'),
  'npx sales-increment status --json': () => printsStatus('npx sales-increment status --json'),
};

test('every command of the README has a run here, and every run a command', () => {
  assert.deepEqual([...new Set(written)].sort(), Object.keys(RUNS).sort());
});

for (const [command, run] of Object.entries(RUNS)) test(command, run);

/** Line by line, but for what differs from start to start: numbers of ports, processes and seconds, where the CLI is and which. */
function itsOutputIsThatOfTheReadme(): void {
  const transcript = blocksOf(readme).find(({ text }) => text.startsWith('Temporal CLI'))?.text ?? '';
  const expected = transcript.trimEnd().split('\n');
  assert.ok(expected.length > 20 && expected.pop() === '…');
  const output = new Set(stack.output().split('\n').map(lasting));
  for (const line of expected) assert.ok(output.has(lasting(line)), `not printed: ${line}`);
}

function lasting(line: string): string {
  if (line.startsWith('│')) return line;
  return line.replace(/ from .*| applied .*|(?<=^Temporal CLI) .*/, '').replace(/\d+/g, '#');
}

/** Each command, with options that it has; the usage that it prints names them all. */
function theTableIsThatOfTheClient(): void {
  const optionsOf = (command: Command): [string, string[]][] =>
    command.commands.length > 0
      ? command.commands.flatMap((sub) =>
          optionsOf(sub).map(([name, options]): [string, string[]] => [`${command.name()} ${name}`, options]),
        )
      : [[command.name(), command.options.map(({ long }) => long ?? '')]];
  const known = new Map(program().commands.flatMap(optionsOf));
  assert.deepEqual(rows.map(({ command }) => command).sort(), [...known.keys()].sort());
  for (const { command, options } of rows)
    for (const option of options)
      assert.ok(known.get(command)?.includes(option), `${command} has no ${option}`);
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

test('of two that start at the same moment each has a Temporal server, and --once ends with 0', async () => {
  const { code } = await other.ended;
  assert.equal(code, 0, other.output());
  const servers = [stack, other].map((one) => /Temporal dev server +(\S+),/.exec(one.output())?.[1]);
  assert.notEqual(servers[0], servers[1]);
  for (const shown of [/is loaded\./, /user_order_log_inc +│ +1\d{3} │ +1\d{2} │/, /Weekly retention/])
    assert.match(other.output(), shown);
});

test('wrong usage ends with 2, a state that another stack uses with 1', async () => {
  assert.equal((await fresh.run('./temporal-dev.sh --data /nowhere')).code, 2);
  const { code, stderr } = await fresh.run(`./temporal-dev.sh --once --state ${state}`);
  assert.equal(code, 1);
  assert.match(
    stderr,
    /^temporal-dev: another development stack is using .* \(process \d+\)\. Stop it with/m,
  );
  assert.doesNotMatch(stderr, /^ +at /m);
});

test('Ctrl-C ends it with 0, the next start goes on with its state, which nobody else can read', async () => {
  stack.kill('SIGINT');
  assert.equal((await stack.ended).code, 0, stack.output());
  const again = await fresh.run(`./temporal-dev.sh --once --date 2024-03-11 --state ${state}`);
  assert.equal(again.code, 0, again.stdout + again.stderr);
  for (const shown of [/2024-03-11 is loaded\./, /202408 │ 2024-02-19/, /202411 │ 2024-03-11/])
    assert.match(again.stdout, shown);
  const open: string[] = [];
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isSymbolicLink()) continue;
    const file = path.join(entry.parentPath, entry.name);
    if (((await stat(file)).mode & 0o077) !== 0) open.push(file);
  }
  assert.deepEqual(open, []);
});
