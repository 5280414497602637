import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import fc from 'fast-check';
import { createTestDatabase, type TestDatabase } from '../support/database.ts';
import { describe, orderlyScenarios, play, scenarios, type Step } from './scenario.ts';
import { empty, Loader } from './support.ts';

/**
 * Staging and mart are a function of the newest deliveries, whatever way led there. PROPERTY_RUNS scenarios (half of
 * them loads one after the other, half side by side and cut off) from PROPERTY_SEED.
 */
const RUNS = Number(process.env['PROPERTY_RUNS'] ?? 150);
const SEED = Number(process.env['PROPERTY_SEED'] ?? Date.now() % 2 ** 31);

let db: TestDatabase;
let loader: Loader;

before(async () => {
  db = await createTestDatabase();
  loader = new Loader(db.database);
});

after(async () => {
  await db.drop();
});

async function holds(arbitrary: fc.Arbitrary<Step[]>, runs: number, seed: number): Promise<void> {
  const property = fc.asyncProperty(arbitrary, async (steps) => {
    await empty(db.pool);
    await play(steps, loader, db.pool);
  });
  const result = await fc.check(property, { numRuns: runs, seed });
  const [steps] = result.counterexample ?? [];
  if (!result.failed || !steps) return;
  const { errorInstance } = result;
  assert.fail(
    `After ${result.numRuns} runs and ${result.numShrinks} shrinks (PROPERTY_SEED=${SEED}):\n${describe(steps)}\n` +
      (errorInstance instanceof Error ? errorInstance.message : String(errorInstance)),
  );
}

test('loads one after the other end in what the newest deliveries say', { timeout: 7_200_000 }, async () => {
  await holds(orderlyScenarios, Math.ceil(RUNS / 2), SEED);
});

test(
  'concurrent loads, interrupted and resumed, end in what the newest deliveries say',
  { timeout: 7_200_000 },
  async () => {
    await holds(scenarios, Math.floor(RUNS / 2), SEED + 1);
  },
);
