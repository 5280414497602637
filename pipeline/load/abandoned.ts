import type { Database } from '../../database/database.ts';
import { stagingLock } from '../../database/locks.ts';
import { feedOfFile } from '../../domain/feeds.ts';
import type { LoadDate } from '../../domain/load-date.ts';
import { feedSql } from './feed-sql.ts';

interface Abandoned {
  load_date: LoadDate;
  file: string;
  delivery_number: number;
}

/** Removes landed rows that no run has staged for a day. */
export async function discardAbandoned(database: Database): Promise<void> {
  for (const { load_date, file, delivery_number } of await database.query<Abandoned & object>(
    'housekeeping/abandoned',
  )) {
    await database.transaction(async (session) => {
      await session.lock(stagingLock(load_date, file));
      await session.query(feedSql('discard', feedOfFile(file)), [load_date, file, delivery_number]);
    });
  }
}
