import assert from 'node:assert/strict';
import { mkdir, readdir, readFile, stat, symlink, utimes, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { describe, test } from 'node:test';
import { AtomicFile } from '../../runtime/atomic-file.ts';
import { landingFailure } from '../../pipeline/extract/landing-failure.ts';
import { Landing } from '../../pipeline/extract/landing.ts';
import type { LandedFile } from '../../domain/day.ts';
import { inScratch, LOAD_DATE, ORDERS } from './support.ts';

const landed = (deliveryNumber: number, more: Partial<LandedFile> = {}): LandedFile => ({
  ...{
    loadDate: LOAD_DATE,
    source: 'increment',
    feed: 'user_order_log',
    deliveryNumber,
    bytes: 0,
    sha256: '',
    warnings: [],
  },
  ...more,
});

describe('the landing directory', () => {
  test('has an id that outlives its worker and that concurrent workers share', () =>
    inScratch(async (directory) => {
      const root = path.join(directory, 'made', 'when', 'needed');
      const ids = await Promise.all(Array.from({ length: 20 }, () => new Landing(root).id()));
      assert.match(ids[0] ?? '', /^[0-9a-f]{8}$/);
      assert.equal(new Set(ids).size, 1);
      assert.equal(await new Landing(root).id(), ids[0]);
      assert.deepEqual(await readdir(root), ['.landing-id']);
      assert.notEqual(await new Landing(path.join(directory, 'other')).id(), ids[0]);
    }));

  test('prunes what it landed on days that nothing was written to since an instant, and nothing else', () =>
    inScratch(async (root) => {
      const landing = new Landing(root);
      const now = new Date();
      for (const loadDate of ['2023-12-31', '2024-02-24', '2024-02-25']) {
        await landing.land(landed(1, { loadDate }), now, (target) => writeFile(target, 'x'));
      }
      // Of a worker that was killed: an unfinished download, and a probe.
      await writeFile(path.join(root, '2024-02-24', `.${ORDERS}.csv.0b1c.tmp`), 'x');
      await writeFile(path.join(root, '.probe.0b1c'), 'x');
      // Of others: folders named like days, and a file beside ours.
      await mkdir(path.join(root, '2020-01-01'));
      await writeFile(path.join(root, '2020-01-01', 'user_order_log_inc.csv'), 'mine');
      await writeFile(path.join(root, '2024-02-24', 'notes.txt'), 'mine');
      await mkdir(path.join(root, '2020-01-02', '.landed'), { recursive: true });
      const longAgo = new Date('2024-03-01T00:00:00Z');
      for (const name of ['2020-01-01', '2020-01-02', '2023-12-31', '2024-02-24', '.probe.0b1c']) {
        const parts = await readdir(path.join(root, name), { recursive: true }).catch(() => []);
        for (const part of [...parts, '']) {
          // Of what is empty or gone by now, too.
          await utimes(path.join(root, name, part), longAgo, longAgo).catch(() => undefined);
        }
      }
      const before = new Date('2024-03-02T00:00:00Z');
      // Something is being written to a file of this day, which does not change the day's directory.
      await utimes(path.join(root, '2023-12-31', `${ORDERS}.csv`), now, now);
      assert.deepEqual(await landing.prune(before), { days: ['2024-02-24'], files: 2 });
      await utimes(path.join(root, '2023-12-31', `${ORDERS}.csv`), longAgo, longAgo);
      assert.deepEqual(await landing.prune(before), { days: ['2023-12-31'], files: 1 });
      assert.deepEqual(await landing.days(), ['2024-02-25']);
      assert.deepEqual((await readdir(root)).sort(), [
        '2020-01-01',
        '2020-01-02',
        '2024-02-24',
        '2024-02-25',
      ]);
      assert.deepEqual(await readdir(path.join(root, '2020-01-01')), ['user_order_log_inc.csv']);
      assert.deepEqual(await readdir(path.join(root, '2024-02-24')), ['notes.txt']);
      const nothing = { days: [], files: 0 };
      assert.deepEqual(await landing.prune(before), nothing);
      assert.deepEqual(await new Landing(path.join(root, 'absent')).prune(before), nothing);
      const later = { '2024-02-25': new Date(Date.now() + 86_400_000) };
      assert.deepEqual(await landing.prune(before, later), { days: ['2024-02-25'], files: 1 });
    }));

  test('is for its user only, whatever the umask', () =>
    inScratch(async (directory) => {
      const root = path.join(directory, 'landing');
      const umask = process.umask(0);
      try {
        const landing = new Landing(root);
        await landing.id();
        await landing.land(landed(1), new Date(), (target) =>
          AtomicFile.using(target, async (file) => {
            file.write('x');
            await file.commit();
          }),
        );
      } finally {
        process.umask(umask);
      }
      for (const entry of await readdir(root, { recursive: true, withFileTypes: true })) {
        const { mode } = await stat(path.join(entry.parentPath, entry.name));
        assert.equal(mode & 0o777, entry.isDirectory() ? 0o700 : 0o600, entry.name);
      }
      assert.equal((await stat(root)).mode & 0o777, 0o700);
    }));

  for (const link of [LOAD_DATE, `${LOAD_DATE}/.checked`, `${LOAD_DATE}/.landed`]) {
    test(`follows no symbolic link: ${link}`, () =>
      inScratch(async (directory) => {
        const root = path.join(directory, 'landing');
        const outside = path.join(directory, 'outside');
        const listed = `${ORDERS}.csv`;
        await mkdir(path.dirname(path.join(root, link)), { recursive: true });
        await mkdir(outside);
        await writeFile(path.join(outside, '.landed'), `${listed}\n`);
        await writeFile(path.join(outside, listed), 'mine');
        await symlink(
          link.endsWith('.landed') ? path.join(outside, '.landed') : outside,
          path.join(root, link),
        );
        const landing = new Landing(root);
        await landing.prune(new Date(Date.now() + 86_400_000));
        const failure: unknown = await landing
          .land(landed(1, { feed: 'price_log' }), new Date(), (target) => writeFile(target, 'x'))
          .catch((error: unknown) => landingFailure(error) ?? error);
        assert.equal((failure as { type?: unknown }).type, 'LandingUnavailable');
        assert.match(
          String(failure),
          new RegExp(`${link} is a symbolic link, which is not followed; remove it`),
        );
        assert.deepEqual((await readdir(outside)).sort(), ['.landed', listed]);
        assert.equal(await readFile(path.join(outside, '.landed'), 'utf8'), `${listed}\n`);
        assert.equal(await readFile(path.join(outside, listed), 'utf8'), 'mine');
      }));
  }

  test('removes no path that a list of landed files names', () =>
    inScratch(async (root) => {
      await mkdir(path.join(root, LOAD_DATE));
      await writeFile(path.join(root, 'notes.csv'), 'mine');
      await writeFile(path.join(root, LOAD_DATE, '.landed'), '../notes.csv\n..\n.\n\n');
      const landing = new Landing(root);
      assert.deepEqual(await landing.prune(new Date(Date.now() + 86_400_000)), { days: [], files: 0 });
      assert.deepEqual((await readdir(root)).sort(), [LOAD_DATE, 'notes.csv']);
    }));

  test('an id that is none is refused; one that is being written is waited for', () =>
    inScratch(async (root) => {
      const idFile = path.join(root, '.landing-id');
      for (const content of ['../../etc', 'two words', 'x'.repeat(65)]) {
        await writeFile(idFile, content);
        await assert.rejects(new Landing(root).id(), /holds no id; remove it/);
      }
      await writeFile(idFile, '');
      const slow = new Landing(root).id();
      setTimeout(() => void writeFile(idFile, 'late\n'), 300);
      assert.equal(await slow, 'late');
    }));

  test('leaves a download of a killed worker for an hour, and removes it with the next one', () =>
    inScratch(async (root) => {
      const landing = new Landing(root);
      const land = () => landing.land(landed(1), new Date(), (target) => writeFile(target, 'x'));
      await land();
      const day = path.join(root, LOAD_DATE);
      const [fresh, old, other] = [
        `.${ORDERS}.csv.1.tmp`,
        `.${ORDERS}.csv.2.tmp`,
        '.price_log_inc.csv.3.tmp',
      ];
      for (const name of [fresh, old, other]) await writeFile(path.join(day, name), '');
      const longAgo = new Date(Date.now() - 3_700_000);
      for (const name of [old, other]) await utimes(path.join(day, name), longAgo, longAgo);
      await land();
      assert.deepEqual(
        (await readdir(day)).sort(),
        ['.checked', '.landed', fresh, other, `${ORDERS}.csv`].sort(),
      );
    }));

  test('is usable when it can be written to', () =>
    inScratch(async (directory) => {
      const root = path.join(directory, 'landing');
      await new Landing(root).checkUsable();
      assert.deepEqual(await readdir(root), []);
      const file = path.join(directory, 'file');
      await writeFile(file, '');
      const unusable = await new Landing(path.join(file, 'landing'))
        .checkUsable()
        .catch((error: unknown) => error);
      assert.equal(landingFailure(unusable)?.type, 'LandingUnavailable');
    }));

  test('drops what older deliveries of a file have left, not those of other files or newer ones', () =>
    inScratch(async (root) => {
      const landing = new Landing(root);
      await landing.dropOlder(landed(5));
      const left = [
        landing.pathsOf(landed(10)).rows,
        landing.pathsOf(landed(10)).rejected,
        landing.pathsOf(landed(11)).rows,
        landing.pathsOf(landed(2, { feed: 'price_log' })).rows,
        landing.pathsOf(landed(2, { source: 'history' })).rows,
      ];
      const dropped = [
        landing.pathsOf(landed(9)).rows,
        landing.pathsOf(landed(2)).rejected,
        // Of a worker that was killed while it wrote.
        path.join(root, LOAD_DATE, '.checked', `.${ORDERS}.9.rows.0b1c.tmp`),
      ];
      await mkdir(path.dirname(left[0] ?? ''), { recursive: true });
      for (const file of [...left, ...dropped]) await writeFile(file, '');
      await landing.dropOlder(landed(10));
      assert.deepEqual(
        (await readdir(path.join(root, LOAD_DATE, '.checked'))).sort(),
        left.map((file) => path.basename(file)).sort(),
      );
    }));
});

describe('an atomic file', () => {
  test('appears whole, in the order of its writes, and replaces what was there', () =>
    inScratch(async (directory) => {
      const target = path.join(directory, 'new', 'file');
      for (const round of [1, 2]) {
        await AtomicFile.using(target, async (file) => {
          file.write(`один ${round}`);
          file.write(Buffer.from(' два '));
          file.write('три');
          await file.flush(0);
          file.write(' 😀');
          await file.commit();
        });
        assert.equal(await readFile(target, 'utf8'), `один ${round} два три 😀`);
      }
      assert.deepEqual(await readdir(path.dirname(target)), ['file']);
    }));

  test('leaves nothing when it is not committed, or cannot be', () =>
    inScratch(async (directory) => {
      const target = path.join(directory, 'file');
      await writeFile(target, 'old');
      await AtomicFile.using(target, async (file) => {
        file.write('new');
        await file.flush(0);
      });
      await assert.rejects(
        AtomicFile.using(target, () => Promise.reject(new Error('no'))),
        /^Error: no$/,
      );
      assert.equal(await readFile(target, 'utf8'), 'old');
      const occupied = path.join(directory, 'directory');
      await mkdir(path.join(occupied, 'full'), { recursive: true });
      await assert.rejects(
        AtomicFile.using(occupied, (file) => file.commit()),
        /EISDIR|ENOTEMPTY|EEXIST/,
      );
      assert.deepEqual((await readdir(directory)).sort(), ['directory', 'file']);
    }));
});

describe('disk errors', () => {
  test('are told apart from others', async () => {
    const missing = await readFile('/does/not/exist').catch((error: unknown) => error);
    assert.equal(landingFailure(missing)?.type, 'LandedFileGone');
    const full = Object.assign(new Error('ENOSPC: no space left'), { code: 'ENOSPC', syscall: 'write' });
    assert.equal(landingFailure(full)?.type, 'LandingUnavailable');
    const reset = Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET', syscall: 'connect' });
    assert.equal(landingFailure(reset), undefined);
    assert.equal(landingFailure(new Error('other')), undefined);
    assert.equal(landingFailure('text'), undefined);
  });
});
