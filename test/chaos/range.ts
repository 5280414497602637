import { addDays } from '../../domain/load-date.ts';
import { Deliveries, ordersCsv, type Order } from '../support/deliveries.ts';

export const FROM = '2024-12-27';
const DAYS = 8;
const NOT_FOUND = addDays(FROM, 5);

/** All dates of the range, the one without an increment among them; the weeks of two years meet in it. */
export const DATES = Array.from({ length: DAYS }, (_, index) => addDays(FROM, index));
export const TO = addDays(FROM, DAYS - 1);

export function outcomeOf(date: string): 'loaded' | 'no_increment' {
  return date === NOT_FOUND ? 'no_increment' : 'loaded';
}

export function deliveriesOfRange(): Deliveries {
  const deliveries = new Deliveries();
  for (const [day, date] of DATES.entries()) if (date !== NOT_FOUND) deliveries.set(date, ordersOf(day));
  return deliveries;
}

/** A day shares orders and customers with the others, with repeats, corrections, refunds, late orders and some bad rows. */
export function ordersOf(day: number, count = 600): string {
  const orders = Array.from({ length: count }, (_, row): Order => ({
    id: row % 20 === 0 ? '' : (row * 7) % 400,
    uniq_id: row % 3 === 0 ? `day ${day} ${row % 150}` : `any day ${(row * (day + 3)) % 200}`,
    date_time: `${addDays(FROM, day - (row % 3))}T00:00:00`,
    city_id: row % 12,
    city_name: `Город ${row % 12}`,
    customer_id: (row * (day + 1)) % 97,
    first_name: `Имя ${day}`,
    item_id: row % 25,
    item_name: `Товар ${row % 25}`,
    quantity: row % 61 === 0 ? 'много' : 1 + (row % 9),
    payment_amount: ((row * 37 + day) % 10_000) / 4,
    status: row % 10 === 0 ? 'refunded' : 'shipped',
  }));
  return ordersCsv(orders, { withStatus: day % 3 !== 1 });
}
