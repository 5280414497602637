import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { hasSearchAttributes } from '../../runtime/search-attributes.ts';
import { client } from '../support/processes.ts';
import { stackFor, until } from './harness.ts';

test("search attributes of these names and another type are somebody else's: runs go on without", async (t) => {
  const stack = await stackFor(t, { worker: false });
  const { connection } = stack.client;
  const namespace = `other-${randomBytes(6).toString('hex')}`;
  await connection.workflowService.registerNamespace({
    namespace,
    workflowExecutionRetentionPeriod: { seconds: 86_400 as never },
  });
  const { INDEXED_VALUE_TYPE_DATETIME, INDEXED_VALUE_TYPE_KEYWORD } =
    proto.temporal.api.enums.v1.IndexedValueType;
  const searchAttributes = {
    SalesLoadDate: INDEXED_VALUE_TYPE_DATETIME,
    SalesOutcome: INDEXED_VALUE_TYPE_KEYWORD,
    SalesRunKind: INDEXED_VALUE_TYPE_KEYWORD,
  };
  await until('the namespace takes search attributes', () =>
    connection.operatorService.addSearchAttributes({ namespace, searchAttributes }).then(
      () => true,
      () => false,
    ),
  );
  assert.equal(await hasSearchAttributes(new Client({ connection, namespace })), false);
  const settings = { ...stack.environment, TEMPORAL_NAMESPACE: namespace };
  const { code, stdout } = await client(['search-attributes', '--json'], settings);
  assert.equal(code, 1, stdout);
  assert.match(stdout, /has SalesLoadDate with another type than Keyword/);
});
