import type { Client } from '@temporalio/client';
import proto from '@temporalio/proto';
import { LOAD_DATE, OUTCOME, RUN_KIND, type RunKind } from '../domain/search-attributes.ts';

export const SEARCH_ATTRIBUTES = [LOAD_DATE, OUTCOME, RUN_KIND];

/** The type of all of them, as the server numbers it. */
export const { INDEXED_VALUE_TYPE_KEYWORD: KEYWORD } = proto.temporal.api.enums.v1.IndexedValueType;

/** Which of the search attributes the namespace has, and which names it has with another type, which takes none of our values. */
export async function registeredSearchAttributes(
  client: Client,
): Promise<{ registered: string[]; ofOtherType: string[] }> {
  const { customAttributes } = await client.connection.operatorService.listSearchAttributes({
    namespace: client.options.namespace,
  });
  const names = SEARCH_ATTRIBUTES.map(({ name }) => name).filter((name) => name in customAttributes);
  return {
    registered: names.filter((name) => customAttributes[name] === KEYWORD),
    ofOtherType: names.filter((name) => customAttributes[name] !== KEYWORD),
  };
}

/** True when the namespace has all of them, and false as well where it will not say. */
export async function hasSearchAttributes(client: Client): Promise<boolean> {
  try {
    return (await registeredSearchAttributes(client)).registered.length === SEARCH_ATTRIBUTES.length;
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
