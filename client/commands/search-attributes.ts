import type { Client } from '@temporalio/client';
import { CommandFailed, type Output } from '../output.ts';
import { withTemporal } from '../temporal.ts';
import { KEYWORD, registeredSearchAttributes, SEARCH_ATTRIBUTES } from '../../runtime/search-attributes.ts';

/** `client search-attributes`: registers the custom search attributes in the namespace; safe to repeat. */
export async function registerSearchAttributes(_: object, output: Output): Promise<void> {
  await withTemporal(async (client) => {
    const { registered, ofOtherType } = await registeredSearchAttributes(client);
    if (ofOtherType.length > 0)
      throw new CommandFailed(
        `The namespace has ${ofOtherType.join(', ')} with another type than Keyword. Runs go on without search ` +
          'attributes until it is removed: temporal operator search-attribute remove.',
      );
    const added = SEARCH_ATTRIBUTES.map(({ name }) => name).filter((name) => !registered.includes(name));
    if (added.length > 0) {
      await client.connection.operatorService.addSearchAttributes({
        namespace: client.options.namespace,
        searchAttributes: Object.fromEntries(added.map((name) => [name, KEYWORD])),
      });
      await waitUntilUsable(client, added);
    }
    output.result({ registered: SEARCH_ATTRIBUTES.map(({ name }) => name), added }, () =>
      added.length === 0
        ? 'The search attributes are already registered.'
        : `Registered ${added.join(', ')}.`,
    );
  });
}

const REGISTRATION_TIMEOUT_MS = 30_000;
const INVALID_ARGUMENT = 3;

/** A cluster refreshes its attributes every few seconds; until then it rejects a start or a schedule that uses a new one. */
async function waitUntilUsable(client: Client, names: string[]): Promise<void> {
  const query = names.map((name) => `${name} IS NOT NULL`).join(' OR ');
  for (const deadline = Date.now() + REGISTRATION_TIMEOUT_MS; ;) {
    try {
      await client.workflowService.countWorkflowExecutions({ namespace: client.options.namespace, query });
      return;
    } catch (error) {
      if ((error as { code?: unknown }).code !== INVALID_ARGUMENT || Date.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 250));
    }
  }
}
