import { mix32, Random } from './random.ts';
import { CITIES, customerOf, ITEMS } from './shop.ts';

/** Where an order stands: the day it was made (days since 1970) and its place within that day. */
interface OrderRef {
  day: number;
  index: number;
}

const REFUND_EVERY = 50; // one order in 50 is refunded: 2 %
const REFUND_WITHIN_DAYS = 8; // on the same day or on one of the seven that follow
const MOVED_SHARE = 0.1; // orders that a customer makes away from home: d_customer has something to update

/**
 * The fields of an order but its id in the file and its status. It is made from its place alone, in any sequence and
 * without keeping the others: that is what lets ten million rows be written with bounded memory, and a refund name an
 * order of an earlier day.
 * @param date when it is delivered
 */
export function orderFields({ day, index }: OrderRef, date: string, ordersPerDay: number): string {
  const [uniqId, seed] = uniqIdOf(day, index, 'order');
  const r = new Random(seed);
  // With as many customers as orders of about two weeks, some return within a week, as in the real files.
  const customerId = r.below(Math.max(2_000, ordersPerDay * 12)) * 5;
  const { firstName, lastName, homeCity } = customerOf(customerId);
  const moved = r.next() < MOVED_SHARE;
  const otherCity = r.below(CITIES.length);
  const cityId = moved ? otherCity : homeCity;
  const itemId = r.below(ITEMS.length);
  const [item = '', price = 0] = ITEMS[itemId] ?? [];
  const quantity = 1 + r.below(5);
  return `${uniqId},${date}T00:00:00,${cityId},${CITIES[cityId] ?? ''},${customerId},${firstName},${lastName},${itemId},${item},${quantity},${quantity * price}`;
}

/** The orders whose refund is delivered on `day`; no order is ever refunded twice. */
export function refundsOn(day: number, ordersPerDay: number): OrderRef[] {
  const refunds: OrderRef[] = [];
  for (let lag = REFUND_WITHIN_DAYS - 1; lag >= 0; lag--) {
    const made = day - lag;
    const offset = mix32(made) % REFUND_EVERY;
    for (let nth = 0; offset + nth * REFUND_EVERY < ordersPerDay; nth++) {
      if (Math.abs(nth + made) % REFUND_WITHIN_DAYS === lag) {
        refunds.push({ day: made, index: offset + nth * REFUND_EVERY });
      }
    }
  }
  return refunds;
}

/**
 * 32 hexadecimal digits, and a seed for the rest of the row. The first two words hold day and index, each scrambled
 * by a bijection, so two orders can never share an id, however many are made.
 */
export function uniqIdOf(day: number, index: number, kind: 'order' | 'activity'): [id: string, seed: number] {
  const a = mix32(index ^ (kind === 'order' ? 0x01d3 : 0x0ac7));
  const b = mix32(day ^ a);
  const c = mix32(b ^ (kind === 'order' ? 0x9e3779b9 : 0x7f4a7c15));
  const d = mix32(c ^ a);
  return [hex(a) + hex(b) + hex(c) + hex(d), mix32(d ^ b)];
}

const HEX = Array.from({ length: 0x1_0000 }, (_, n) => n.toString(16).padStart(4, '0'));

/** Eight digits by table: `toString(16)` took half the time of writing a million rows. */
function hex(word: number): string {
  return `${HEX[word >>> 16] ?? ''}${HEX[word & 0xffff] ?? ''}`;
}
