import { Context } from '@temporalio/activity';
import { hasSearchAttributes } from '../runtime/search-attributes.ts';

const ASK_EVERY_MS = 60_000;
let known: { tagged: boolean; askedAt: number } | undefined;

/**
 * Whether the namespace has the custom search attributes. To set one that it does not have would block a workflow, so
 * every run asks first; the answer is kept for a minute.
 */
export async function searchAttributesRegistered(): Promise<boolean> {
  const { client } = Context.current();
  if (known && Date.now() - known.askedAt < ASK_EVERY_MS) return known.tagged;
  known = { tagged: await hasSearchAttributes(client), askedAt: Date.now() };
  return known.tagged;
}
