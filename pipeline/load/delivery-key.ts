import type { Delivery } from '../../domain/feeds.ts';

/** A delivery as the tables know it: load_date and is_history. */
export function deliveryKey({ loadDate, source }: Delivery): [loadDate: string, isHistory: boolean] {
  return [loadDate, source === 'history'];
}
