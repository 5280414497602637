import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { ApplicationFailure } from '@temporalio/common';
import { landingFailure } from '../../pipeline/extract/landing-failure.ts';
import { Landing } from '../../pipeline/extract/landing.ts';
import { AtomicFile } from '../../runtime/atomic-file.ts';
import { Spool } from '../../runtime/spool.ts';
import type { DeliveryFile } from '../../domain/day.ts';
import { inScratch, LOAD_DATE, ORDERS } from './support.ts';

const file = (more: Partial<DeliveryFile> = {}): DeliveryFile => ({
  loadDate: LOAD_DATE,
  source: 'increment',
  feed: 'user_order_log',
  ...more,
});

const LONG_AGO = new Date('2024-03-01T00:00:00Z');
const TOMORROW = new Date(Date.now() + 86_400_000);
const UUID = '0b1c0b1c-0b1c-4b1c-8b1c-0b1c0b1c0b1c';

async function land(landing: Landing, deliveryNumber: number, more: Partial<DeliveryFile> = {}) {
  const original = await landing.create(file(more), deliveryNumber);
  await original.write(Buffer.from('x'));
  await original.commit();
}

const landed = async (root: string) => (await readdir(path.join(root, LOAD_DATE))).sort();

async function age(...parts: string[]): Promise<void> {
  await utimes(path.join(...parts), LONG_AGO, LONG_AGO);
}

describe('the landing directory', () => {
  test('names a file by its date, feed and delivery number, so that two downloads never share one', () =>
    inScratch(async (root) => {
      const landing = new Landing(root);
      await Promise.all([land(landing, 7), land(landing, 8), land(landing, 8, { source: 'history' })]);
      const both = ['user_order_log.8.csv', `${ORDERS}.8.csv`];
      assert.deepEqual(await landed(root), [...both, `${ORDERS}.7.csv`].sort());
      await landing.removeOlder(file(), 8);
      assert.deepEqual(await landed(root), both);
      // A slow download that ends last removes none that is newer.
      await land(landing, 6);
      await landing.removeOlder(file(), 6);
      assert.deepEqual(await landed(root), [...both, `${ORDERS}.6.csv`].sort());
      for (const number of [8, 8, 6]) await landing.remove(file(), number);
      assert.deepEqual(await landed(root), both.slice(0, 1));
    }));

  test('prunes what it landed before an instant, and nothing else', () =>
    inScratch(async (root) => {
      const landing = new Landing(root);
      for (const loadDate of ['2023-12-31', '2024-02-24', '2024-02-25']) await land(landing, 1, { loadDate });
      await age(root, '2023-12-31', `${ORDERS}.1.csv`);
      await age(root, '2024-02-24', `${ORDERS}.1.csv`);
      // Of others: a folder named like a day, files beside ours, a folder named like a file, a day that is none.
      const others = ['notes.txt', 'user_order_log_inc.csv', 'a.1.csv/inner'].map(
        (name) => `2024-02-24/${name}`,
      );
      others.push('2020-01-01/mine', 'x/a.1.csv');
      for (const name of others) {
        await mkdir(path.join(root, path.dirname(name)), { recursive: true });
        await writeFile(path.join(root, name), 'mine');
        await age(root, name);
      }
      assert.equal(await landing.prune(new Date('2024-03-02T00:00:00Z')), 2);
      const directories = ['2020-01-01', '2024-02-24', '2024-02-24/a.1.csv', '2024-02-25', 'x'];
      assert.deepEqual(
        (await readdir(root, { recursive: true })).sort(),
        [...directories, ...others, `2024-02-25/${ORDERS}.1.csv`].sort(),
      );
      assert.equal(await new Landing(path.join(root, 'absent')).prune(TOMORROW), 0);
      assert.equal(await landing.prune(TOMORROW), 1);
    }));

  test('leaves an unfinished download for an hour: it is still written to, or its worker was killed', () =>
    inScratch(async (root) => {
      const landing = new Landing(root);
      const unfinished = await landing.create(file(), 1);
      const killed = [`.${ORDERS}.2.csv.${UUID}.tmp`, `.spool.${UUID}.tmp`];
      for (const name of [...killed, '.notes.tmp']) {
        await writeFile(path.join(root, LOAD_DATE, name), '');
        await age(root, LOAD_DATE, name);
      }
      assert.equal(await landing.prune(TOMORROW), 0);
      await unfinished.commit();
      assert.deepEqual(await landed(root), ['.notes.tmp', `${ORDERS}.1.csv`]);
    }));

  test('a day that is pruned while a file of it lands keeps no file for ever', () =>
    inScratch(async (root) => {
      const landing = new Landing(root);
      const pruning = (async () => {
        for (let round = 0; round < 200; round += 1) await landing.prune(TOMORROW);
      })();
      for (let number = 1; number <= 100; number += 1) await land(landing, number);
      await pruning;
      await landing.prune(TOMORROW);
      assert.deepEqual(await readdir(root), []);
    }));

  test('is for its user only, whatever the umask', () =>
    inScratch(async (directory) => {
      const root = path.join(directory, 'made', 'landing');
      const umask = process.umask(0);
      try {
        await new Landing(root).checkUsable();
        await land(new Landing(root), 1);
      } finally {
        process.umask(umask);
      }
      for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
        const { mode } = await stat(path.join(entry.parentPath, entry.name));
        assert.equal(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
      }
    }));

  test('follows no symbolic link', () =>
    inScratch(async (directory) => {
      const [root, outside] = [path.join(directory, 'landing'), path.join(directory, 'outside')];
      for (const made of [root, outside]) await mkdir(made);
      const names = [`${ORDERS}.1.csv`, 'notes'];
      for (const name of names) await writeFile(path.join(outside, name), 'mine');
      await symlink(outside, path.join(root, LOAD_DATE));
      await mkdir(path.join(root, '2024-02-26'));
      await symlink(path.join(outside, 'notes'), path.join(root, '2024-02-26', `${ORDERS}.9.csv`));
      const landing = new Landing(root);
      await assert.rejects(land(landing, 1), {
        type: 'LandingUnavailable',
        message: new RegExp(`${LOAD_DATE} is a symbolic link, which is not followed; remove it`),
      });
      await land(landing, 9, { loadDate: '2024-02-26' });
      await landing.prune(TOMORROW);
      for (const name of names) assert.equal(await readFile(path.join(outside, name), 'utf8'), 'mine');
      assert.deepEqual((await readdir(outside)).sort(), names.sort());
    }));

  test('that cannot be used is told, and left to other workers for some seconds', () =>
    inScratch(async (directory) => {
      await writeFile(path.join(directory, 'file'), '');
      const unusable = new Landing(path.join(directory, 'file', 'landing'));
      await assert.rejects(unusable.checkUsable(), (error) => landingFailure(error) !== undefined);
      const failureOf = async (attempt: number, work: () => Promise<unknown>) => {
        const failure: unknown = await unusable.using(attempt, work).catch((error: unknown) => error);
        assert.ok(failure instanceof ApplicationFailure && failure.type === 'LandingUnavailable');
        assert.equal(failure.nonRetryable, false);
        return failure;
      };
      const first = await failureOf(1, () => unusable.create(file(), 1));
      assert.match(first.message, /The landing directory cannot be used: ENOTDIR/);
      const second = await failureOf(2, () => assert.fail('it is left to others'));
      assert.match(second.message, /another worker can land the file/);
      // Some forty tries in a minute: another worker gets one of them.
      const pauses = Array.from({ length: 36 }, (_, index) => 200 * 1.1 ** index);
      assert.deepEqual([first.nextRetryDelay, second.nextRetryDelay], [pauses[0], pauses[1]]);
      assert.ok(pauses.reduce((sum, pause) => sum + Math.min(pause, 10_000), 0) < 62_000);
    }));
});

test('an atomic file appears whole, in place of what was there; nothing is left of one that is not committed, or cannot be', () =>
  inScratch(async (directory) => {
    const target = path.join(directory, 'file');
    for (const round of [1, 2]) {
      const atomic = await AtomicFile.create(target);
      await atomic.write(Buffer.from(`один ${round}`));
      await atomic.write(Buffer.from(' два'));
      assert.equal(atomic.bytes, Buffer.byteLength(`один ${round} два`));
      await atomic.commit();
      await atomic.discard();
      assert.equal(await readFile(target, 'utf8'), `один ${round} два`);
    }
    const given = await AtomicFile.create(target);
    await given.write(Buffer.from('new'));
    await given.discard();
    assert.equal(await readFile(target, 'utf8'), 'один 2 два');
    const occupied = path.join(directory, 'directory');
    await mkdir(path.join(occupied, 'full'), { recursive: true });
    const refused = await AtomicFile.create(occupied);
    await assert.rejects(refused.commit(), /EISDIR|ENOTEMPTY|EEXIST/);
    await refused.discard();
    assert.deepEqual((await readdir(directory)).sort(), ['directory', 'file']);
  }));

test('a spool gives back what was written, in memory or on disk, and leaves no file', () =>
  inScratch(async (directory) => {
    for (const megabytes of [0, 1, 3]) {
      const spool = new Spool(directory);
      assert.equal(spool.isEmpty, true);
      const expected: string[] = [];
      for (let part = 0; part < megabytes * 10; part += 1) {
        const text = `${part} ёлка 😀`.padEnd(100_000);
        expected.push(text);
        spool.write(part % 2 ? text : Buffer.from(text));
        await spool.flush();
        assert.deepEqual(await readdir(directory), []);
      }
      const chunks: Buffer[] = [];
      for await (const chunk of spool.read()) chunks.push(chunk);
      assert.equal(Buffer.concat(chunks).toString('utf8'), expected.join(''));
      await spool.close();
    }
  }));

test('disk errors are told apart from others', () => {
  const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' });
  assert.equal(landingFailure(full)?.type, 'LandingUnavailable');
  const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'connect' });
  assert.equal(landingFailure(reset), undefined);
  for (const other of [new Error('other'), 'text']) assert.equal(landingFailure(other), undefined);
});
