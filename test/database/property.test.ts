import { after, test } from 'node:test';
import fc from 'fast-check';
import { createTestDatabase } from '../support/database.ts';
import { orderlyScenarios, play, scenarios } from './scenario.ts';
import { empty, Loader } from './support.ts';

/**
 * Staging and mart are a function of the newest deliveries, whatever way led there. PROPERTY_RUNS scenarios (half of
 * them loads one after the other, half side by side and cut off) from PROPERTY_SEED, or from any.
 */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 50);
const SEED = process.env['PROPERTY_SEED'];

const db = await createTestDatabase();
after(() => db.drop());

for (const [name, arbitrary] of Object.entries({
  'loads one after the other end in what the newest deliveries say': orderlyScenarios,
  'concurrent loads, interrupted and resumed, end in what the newest deliveries say': scenarios,
}))
  test(name, { timeout: 7_200_000 }, async () => {
    const property = fc.asyncProperty(arbitrary, async (steps) => {
      await empty(db.pool);
      await play(steps, new Loader(db.database), db.pool);
    });
    await fc.assert(property, { numRuns: Math.ceil(RUNS / 2), ...(SEED && { seed: Number(SEED) }) });
  });
