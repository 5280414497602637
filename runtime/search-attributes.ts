import type { Client } from '@temporalio/client';
import { LOAD_DATE, OUTCOME, RUN_KIND, type RunKind } from '../domain/search-attributes.ts';

export const SEARCH_ATTRIBUTES = [LOAD_DATE, OUTCOME, RUN_KIND];

/** Which of the search attributes the namespace has. */
export async function registeredSearchAttributes(client: Client): Promise<string[]> {
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
    namespace: client.options.namespace,
  });
  return SEARCH_ATTRIBUTES.map(({ name }) => name).filter((name) => name in customAttributes);
}

/** True when the namespace has all of them, and false as well where it will not say. */
export async function hasSearchAttributes(client: Client): Promise<boolean> {
  try {
    return (await registeredSearchAttributes(client)).length === SEARCH_ATTRIBUTES.length;
  } catch (error) {
    // Temporal Cloud and locked-down clusters refuse the operator service; runs go on without the attributes.
    if (REFUSALS.has((error as { code?: number }).code ?? -1)) return false;
    throw error;
  }
}

/** gRPC: permission denied, unimplemented, unauthenticated. */
const REFUSALS: ReadonlySet<number> = new Set([7, 12, 16]);

/** The search attributes of a start; none where they are not registered. */
export function searchAttributes(isRegistered: boolean, kind: RunKind, loadDate?: string) {
  if (!isRegistered) return {};
  return {
    typedSearchAttributes: [
      { key: RUN_KIND, value: kind },
      ...(loadDate === undefined ? [] : [{ key: LOAD_DATE, value: loadDate }]),
    ],
  };
}
