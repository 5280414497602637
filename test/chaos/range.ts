import { Random } from '../../dev/sample-api/random.ts';
import { addDays } from '../../domain/load-date.ts';
import { Deliveries, ordersCsv, type Order } from '../support/deliveries.ts';

export const FROM = '2024-12-27';
const DAYS = 8;
const NOT_FOUND = addDays(FROM, 5);
const ROWS = 600;

/** All dates of the range, the one without an increment among them; the weeks of two years meet in it. */
export const DATES = Array.from({ length: DAYS }, (_, index) => addDays(FROM, index));
export const TO = addDays(FROM, DAYS - 1);

export function outcomeOf(date: string): 'loaded' | 'no_increment' {
  return date === NOT_FOUND ? 'no_increment' : 'loaded';
}

/** Days that share orders and customers, with repeats, corrections, refunds, late orders and some bad rows. */
export function rangeOf(seed: number): Deliveries {
  const random = new Random(seed);
  const deliveries = new Deliveries();
  for (const [day, date] of DATES.entries()) {
    if (date === NOT_FOUND) continue;
    deliveries.set(date, ordersCsv(ordersOf(day, random), { withStatus: day % 3 !== 1 }), {
      user_activity_log_inc: activitiesOf(date, random),
      price_log_inc: Array.from({ length: 40 }, (_, item) => `Товар ${item},${random.below(900)}\n`).join(''),
      customer_research_inc: researchOf(date, random),
    });
  }
  return deliveries;
}

function ordersOf(day: number, random: Random): Order[] {
  return Array.from({ length: ROWS }, (_, row): Order => {
    const item = random.below(25);
    const city = random.below(12);
    // A third of the keys belong to this day alone; the others come again, on this day and on others.
    const key = random.next() < 0.33 ? `day ${day} ${random.below(150)}` : `any day ${random.below(200)}`;
    const isBad = row % 61 === 0;
    return {
      id: random.next() < 0.05 ? '' : random.below(400),
      uniq_id: key,
      date_time: `${addDays(FROM, day - random.below(3))}T00:00:00`,
      city_id: city,
      city_name: `Город ${city}`,
      customer_id: random.below(90),
      first_name: `Имя ${day}`,
      last_name: `Фамилия ${random.below(5)}`,
      item_id: item,
      item_name: `Товар ${item}`,
      quantity: isBad ? 'много' : 1 + random.below(9),
      payment_amount: random.below(10_000) / 4,
      status: random.next() < 0.1 ? 'refunded' : 'shipped',
    };
  });
}

function activitiesOf(date: string, random: Random): string {
  const rows = Array.from(
    { length: 300 },
    (_, row) => `${row},visit ${random.below(200)},${date}T00:00:00,${random.below(4)},${random.below(90)},1`,
  );
  return ['id,uniq_id,date_time,action_id,customer_id,quantity', ...rows, ''].join('\n');
}

function researchOf(date: string, random: Random): string {
  const rows = Array.from(
    { length: 60 },
    () => `${date}T00:00:00,${random.below(9)},${random.below(4)},${random.below(50)},${random.below(999)}`,
  );
  return ['date_id,category_id,geo_id,sales_qty,sales_amt', ...rows, ''].join('\n');
}
