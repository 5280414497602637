import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, test } from 'node:test';
import {
  generateIncrement,
  type GenerateOptions,
  reportLines,
} from '../../../dev/sample-api/generate-increment.ts';
import { addDays } from '../../../domain/load-date.ts';
import { ITEMS } from '../../../dev/sample-api/shop.ts';
import { writeIncrement } from '../../../dev/sample-api/write-increment.ts';

const BEFORE_STATUS = '2024-02-25';
const WITH_STATUS = '2024-03-10';
type Row = Record<string, string>;

describe('a generated increment', () => {
  test('is the same every time, and another one for another date', () => {
    assert.deepEqual(generateIncrement(WITH_STATUS), generateIncrement(WITH_STATUS));
    const [one, other] = [generateIncrement(WITH_STATUS), generateIncrement('2024-03-11')];
    for (const key of ['user_order_log_inc', 'user_activity_log_inc', 'customer_research_inc']) {
      assert.notEqual(one.files[key], other.files[key], key);
    }
    assert.equal(one.files['price_log_inc'], other.files['price_log_inc']);
  });

  test('has the headers, sizes and repeats of the real 2024-02-25', () => {
    const rows = orders(BEFORE_STATUS);
    assert.equal(rows.length, 1_091);
    assert.equal(new Set(rows.map((row) => row['uniq_id'])).size, 160);
    assert.equal(new Set(rows.map(withoutId)).size, 160);
    assert.deepEqual(
      rows.map((row) => row['id']),
      rows.map((_, nth) => String(nth + 1)),
    );
    const first = rows.findIndex(
      (row, nth) => rows.findIndex((other) => withoutId(other) === withoutId(row)) < nth,
    );
    assert.equal(first, 160, 'the repeats stand in blocks after all distinct rows');
    const header = text(BEFORE_STATUS, 'user_order_log_inc').split('\r\n')[0];
    assert.equal(
      header,
      'id,uniq_id,date_time,city_id,city_name,customer_id,first_name,last_name,item_id,item_name,quantity,payment_amount',
    );
    assert.equal(parse(text(BEFORE_STATUS, 'user_activity_log_inc')).length, 11);
    assert.equal(parse(text(BEFORE_STATUS, 'customer_research_inc')).length, 30);
    const prices = text(BEFORE_STATUS, 'price_log_inc');
    assert.equal(prices.split('\r\n').length - 1, 12);
    assert.ok(prices.startsWith('Молоко 1%,100\r\n'), 'the price log has no header');
  });

  test('holds Cyrillic names, the known cities and items, and amounts that are quantity times price', () => {
    for (const row of orders(WITH_STATUS)) {
      assert.equal(row['date_time'], `${WITH_STATUS}T00:00:00`);
      assert.match(row['uniq_id'] ?? '', /^[0-9a-f]{32}$/);
      assert.equal(row['city_name'], ['Москва', 'Ростов', 'Ярославль'][Number(row['city_id'])]);
      assert.match(`${row['first_name'] ?? ''} ${row['last_name'] ?? ''}`, /^[А-Я][а-я]+ [А-Я][а-я]+$/);
      const item = ITEMS[Number(row['item_id'])];
      assert.equal(row['item_name'], item?.name);
      assert.ok(['1', '2', '3', '4', '5'].includes(row['quantity'] ?? ''));
      assert.equal(Number(row['payment_amount']), Number(row['quantity']) * (item?.price ?? NaN));
    }
  });

  test('has a status column from statusFrom on, whatever that is', () => {
    assert.ok(!('status' in (orders('2024-02-29')[0] ?? {})));
    assert.ok('status' in (orders('2024-03-01')[0] ?? {}));
    assert.ok('status' in (orders('2024-02-25', { statusFrom: '2024-02-25' })[0] ?? {}));
  });

  test('refunds about 2 % of the orders, each once, and each an order of that day or the week before', () => {
    const options = { orders: 400 };
    const made = new Map<string, Row>();
    const refunded = new Set<string>();
    let shipped = 0;
    for (let date = '2024-02-20'; date <= '2024-03-20'; date = addDays(date, 1)) {
      const rows = orders(date, options);
      for (const row of rows) if (row['status'] !== 'refunded') made.set(row['uniq_id'] ?? '', row);
      const refunds = new Map(
        rows.filter((row) => row['status'] === 'refunded').map((row) => [row['uniq_id'], row]),
      );
      for (const [uniqId = '', refund] of refunds) {
        assert.ok(!refunded.has(uniqId), `${uniqId} is refunded twice`);
        refunded.add(uniqId);
        const order = made.get(uniqId);
        assert.ok(order, `${uniqId} is no order`);
        assert.ok((order['date_time'] ?? '') >= addDays(date, -7));
        const same = { id: '', date_time: '', status: '' };
        assert.deepEqual({ ...refund, ...same }, { ...order, ...same });
      }
      if (date >= '2024-03-01') shipped += options.orders;
    }
    const share = refunded.size / shipped;
    assert.ok(share > 0.015 && share < 0.025, `${share}`);
  });

  test('every order of many days has its own id', () => {
    const ids = new Set<string>();
    for (let nth = 0; nth < 30; nth++) {
      const date = addDays('2024-01-01', nth);
      for (const row of orders(date, { orders: 500, statusFrom: '2030-01-01' }))
        ids.add(row['uniq_id'] ?? '');
    }
    assert.equal(ids.size, 30 * 500);
  });

  test('customers come back within a week and keep their names, and some of them move', () => {
    const homes = new Map<string, Set<string>>();
    const names = new Map<string, Set<string>>();
    for (let nth = 0; nth < 7; nth++) {
      for (const row of orders(addDays(BEFORE_STATUS, nth))) {
        const id = row['customer_id'] ?? '';
        homes.set(id, (homes.get(id) ?? new Set()).add(row['city_id'] ?? ''));
        names.set(
          id,
          (names.get(id) ?? new Set()).add(`${row['first_name'] ?? ''} ${row['last_name'] ?? ''}`),
        );
      }
    }
    assert.ok(homes.size < 7 * 160 * 0.9, `${homes.size} customers`);
    assert.ok([...names.values()].every((set) => set.size === 1));
    assert.ok([...homes.values()].some((set) => set.size > 1));
  });

  test('no orders leave a header only', () => {
    assert.equal(text(BEFORE_STATUS, 'user_order_log_inc', { orders: 0 }).split('\r\n').length, 2);
  });

  test('an impossible date is refused', () => {
    assert.throws(() => generateIncrement('2024-02-30'), /"2024-02-30" is not a date/);
  });
});

test('the report holds the orders of its days, with ids that go on from day to day', () => {
  const lines = reportLines('2024-02-28', '2024-03-01');
  const rows = parse([...(lines['user_order_log']?.() ?? [])].join(''));
  assert.deepEqual(
    rows.map((row) => row['id']),
    rows.map((_, nth) => String(nth + 1)),
  );
  for (const date of ['2024-02-28', '2024-02-29', '2024-03-01']) {
    const ofDay = rows.filter((row) => row['date_time'] === `${date}T00:00:00`).map(withoutId);
    const increment = orders(date).map((row) => withoutId({ ...row, status: row['status'] ?? 'shipped' }));
    assert.deepEqual(ofDay, increment);
  }
});

test('writeIncrement writes what generateIncrement returns, byte for byte', async () => {
  const dir = await mkdtemp(join(tmpdir(), 'sample-api-'));
  try {
    for (const options of [{}, { orders: 2_000 }]) {
      const written = await writeIncrement(join(dir, 'increment', WITH_STATUS), WITH_STATUS, options);
      const { files } = generateIncrement(WITH_STATUS, options);
      assert.deepEqual(Object.keys(written), Object.keys(files));
      for (const [key, path] of Object.entries(written)) {
        assert.equal(await readFile(path, 'utf8'), files[key]);
      }
    }
  } finally {
    await rm(dir, { recursive: true });
  }
});

function text(date: string, key: string, options: GenerateOptions = {}): string {
  const file = generateIncrement(date, options).files[key];
  return typeof file === 'string' ? file : '';
}

function orders(date: string, options: GenerateOptions = {}): Row[] {
  return parse(text(date, 'user_order_log_inc', options));
}

function parse(csv: string): Row[] {
  const [header = '', ...lines] = csv.trimEnd().split('\r\n');
  const names = header.split(',');
  return lines.map((line) => {
    const fields = line.split(',');
    assert.equal(fields.length, names.length, line);
    return Object.fromEntries(names.map((name, nth) => [name, fields[nth] ?? '']));
  });
}

function withoutId(row: Row): string {
  return Object.entries(row)
    .filter(([name]) => name !== 'id')
    .map(([, value]) => value)
    .join();
}
