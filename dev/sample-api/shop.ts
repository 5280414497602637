import { mix32 } from './random.ts';

/** The shop as it stands in the real files: three cities, twelve items at fixed prices, twenty given names. */
export const CITIES = ['Москва', 'Ростов', 'Ярославль'] as const;

export const ITEMS: readonly (readonly [name: string, price: number])[] = [
  ['Молоко 1%', 100],
  ['Молоко 3%', 120],
  ['Молоко 5%', 150],
  ['Устройство для нагревания табака Трубка Мира', 500],
  ['Сахар песок', 50],
  ['Яблоко молодильное', 400],
  ['Яблоко', 140],
  ['Средство для мытья посуды', 200],
  ['Лампочка LED', 300],
  ['Ручка шариковая', 45],
  ['Томаты', 50],
  ['Хлеб ржаной', 20],
];

const MEN = {
  first: 'Александр Алексей Геннадий Евгений Иван Константин Олег Петр Сергей Эдуард'.split(' '),
  last: 'Васильев Иванов Кузнецов Михайлов Новиков Петров Попов Сидоров Смирнов Соколов'.split(' '),
};

const WOMEN = {
  first: 'Александра Анна Евгения Екатерина Елизавета Надежда Оксана Ольга Светлана Снежанна'.split(' '),
  last: 'Алексеева Великая Волкова Егорова Козлова Лебедева Морозова Орлова Павлова Федорова'.split(' '),
};

/** A customer's name and home depend on nothing but the id, so they are the same on every day. */
export function customerOf(customerId: number) {
  const hash = mix32(customerId ^ 0x5eed);
  const { first, last } = hash % 2 === 0 ? MEN : WOMEN;
  return {
    firstName: first[(hash >>> 1) % first.length] ?? '',
    lastName: last[(hash >>> 8) % last.length] ?? '',
    homeCity: (hash >>> 16) % CITIES.length,
  };
}
