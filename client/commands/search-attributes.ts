import { encodeSearchAttributeIndexedValueType } from '@temporalio/common/lib/search-attributes.js';
import { connectClient } from '../../config/temporal.ts';
import type { Output } from '../output.ts';
import { registeredSearchAttributes, SEARCH_ATTRIBUTES } from '../registered.ts';

/** `client search-attributes`: registers the custom search attributes in the namespace; safe to repeat. */
export async function registerSearchAttributes(output: Output): Promise<void> {
  const client = await connectClient();
  try {
    const before = await registeredSearchAttributes(client);
    const type = encodeSearchAttributeIndexedValueType('KEYWORD');
    if (type === undefined) throw new Error('The SDK does not know the type KEYWORD.');
    const added = SEARCH_ATTRIBUTES.map(({ name }) => name).filter((name) => !before.includes(name));
    if (added.length > 0) {
      await client.connection.operatorService.addSearchAttributes({
        namespace: client.options.namespace,
        searchAttributes: Object.fromEntries(added.map((name) => [name, type])),
      });
    }
    output.result({ registered: SEARCH_ATTRIBUTES.map(({ name }) => name), added }, () =>
      added.length === 0
        ? 'The search attributes are registered already.'
        : `Registered ${added.join(', ')}.`,
    );
  } finally {
    await client.connection.close();
  }
}
