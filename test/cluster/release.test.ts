import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { findTemporalRelease } from './temporal-release.ts';
import { variable } from '../support/database.ts';

test('the release that TEMPORAL_SERVER_DIR names is used', async () => {
  const lines: string[] = [];
  const directory = variable('TEMPORAL_SERVER_DIR');
  const release = await findTemporalRelease({ log: (line) => lines.push(line) });
  assert.equal(release.directory, directory);
  assert.match(release.version, /^\d+\.\d+\.\d+/);
  assert.deepEqual(lines, [`Temporal server ${release.version} from TEMPORAL_SERVER_DIR: ${directory}`]);
});

test('a directory without the programs, and a machine without Go, are errors that say what to do', async (t) => {
  const empty = await mkdtemp(path.join(tmpdir(), 'release-'));
  t.after(() => rm(empty, { recursive: true, force: true }));
  const log = () => undefined;
  await assert.rejects(
    findTemporalRelease({ log, env: { TEMPORAL_SERVER_DIR: empty } }),
    /^Error: TEMPORAL_SERVER_DIR is set to .* not a usable Temporal server: .* does not exist\. Correct it, or unset it\.$/,
  );
  await assert.rejects(
    findTemporalRelease({ log, env: { PATH: empty, XDG_CACHE_HOME: empty } }),
    /no Temporal server, and it could not be built \(Go is not installed\)\. Install it/,
  );
});
