import { createReadStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { Database } from '../../database/database.ts';
import { createPool } from '../../database/pool.ts';
import { ORDERS } from '../../domain/feeds.ts';
import { nextDeliveryNumber } from '../../pipeline/load/delivery-number.ts';
import { landRows } from '../../pipeline/load/land-rows.ts';
import { stageFile } from '../../pipeline/load/stage-file.ts';
import { updateDimension, updateFacts } from '../../pipeline/load/update-mart.ts';
import { CheckedRows } from '../../pipeline/validate/checked-rows.ts';
import { checkFile } from '../../pipeline/validate/check-file.ts';

const RUN = { workflowId: 'bench', runId: 'bench', attempt: 1 };

/** Loads of orders by the product's own code, without Temporal and the report API. */
export class Product {
  readonly #database: Database;

  constructor(connectionString: string) {
    const options = { applicationName: 'bench', maxConnections: 3, onIdleError: console.error };
    this.#database = new Database(createPool({ connectionString, ...options }));
  }

  async load(csvPath: string, loadDate: string): Promise<void> {
    const database = this.#database;
    const { signal } = new AbortController();
    const delivery = { loadDate, source: 'increment' } as const;
    const file = { ...delivery, feed: ORDERS, deliveryNumber: await nextDeliveryNumber(database) };
    const rows = new CheckedRows(path.dirname(csvPath), file.deliveryNumber);
    const chunks = createReadStream(csvPath)[Symbol.asyncIterator]() as AsyncIterableIterator<Buffer>;
    const checked = await checkFile(chunks, ORDERS, rows, { maxRejectedShare: 0.1 });
    const landed = { ...file, ...checked, bytes: (await stat(csvPath)).size, sha256: '' };
    await landRows(database, landed, rows, signal);
    await rows.close();
    await stageFile(database, file, { ...RUN, startedAt: new Date() }, signal);
    // Side by side, as in the workflow.
    const dimensions = ['d_city', 'd_item', 'd_customer'] as const;
    await Promise.all(dimensions.map((name) => updateDimension(database, name, delivery)));
    await database.transaction((session) => updateFacts(session, delivery));
  }

  async close(): Promise<void> {
    await this.#database.pool.end();
  }
}
