import type { DeliveryKind } from '../../domain/feeds.ts';

/** What an answer of the report API says about files, as it stands in the history. */
interface FilesAnswer {
  files: readonly string[];
  missing?: readonly string[];
}

/** The files of a delivery when answers did not name the missing ones yet; not to be extended by further feeds. */
const FIRST_FILES = ['user_order_log', 'user_activity_log', 'customer_research', 'price_log'];

/**
 * The files that a delivery lacks, as the worker knew them that asked for it. Not derived from the feeds of the code
 * that runs now: a feed that is added while a run is open would change what the run has done already.
 */
export function missingFiles({ files, missing }: FilesAnswer, kind: DeliveryKind): string[] {
  if (missing) return [...missing];
  const first = FIRST_FILES.map((name) => (kind === 'increment' ? `${name}_inc` : name));
  return first.filter((file) => !files.includes(file));
}
