import { existsSync } from 'node:fs';
import path from 'node:path';
import { projectRoot } from '../../runtime/project-root.ts';

/** The real files lie beside the project where it is developed, and nowhere else. */
export const REAL_DATA = path.join(projectRoot, '..', 'shared', 'data');
export const NO_REAL_DATA = 'no real data in ../shared/data';

/** In CI as well, which has no root on a forge and is root elsewhere. */
export const NOT_ROOT = 'only root can be another user';

/** For `skip`. */
export const withoutRoot = process.getuid?.() !== 0 && NOT_ROOT;

/** For `skip`. */
export const withoutRealData = existsSync(REAL_DATA) ? false : NO_REAL_DATA;

export const PGBOUNCER = [process.env.PGBOUNCER, '/usr/sbin/pgbouncer', '/usr/bin/pgbouncer'].find(
  (file) => file !== undefined && existsSync(file),
);

/** For `skip`. */
export const withoutPgbouncer = PGBOUNCER === undefined && 'pgbouncer is not installed';
