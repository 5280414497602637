import { mix32 } from './random.ts';

/** The shop as it stands in the real files: three cities, twelve items at fixed prices, twenty given names. */
export const CITIES = ['Москва', 'Ростов', 'Ярославль'] as const;

export interface Item {
  name: string;
  price: number;
}

export const ITEMS: readonly Item[] = [
  { name: 'Молоко 1%', price: 100 },
  { name: 'Молоко 3%', price: 120 },
  { name: 'Молоко 5%', price: 150 },
  { name: 'Устройство для нагревания табака Трубка Мира', price: 500 },
  { name: 'Сахар песок', price: 50 },
  { name: 'Яблоко молодильное', price: 400 },
  { name: 'Яблоко', price: 140 },
  { name: 'Средство для мытья посуды', price: 200 },
  { name: 'Лампочка LED', price: 300 },
  { name: 'Ручка шариковая', price: 45 },
  { name: 'Томаты', price: 50 },
  { name: 'Хлеб ржаной', price: 20 },
];

interface Names {
  first: readonly string[];
  last: readonly string[];
}

const MEN: Names = {
  first: 'Александр Алексей Геннадий Евгений Иван Константин Олег Петр Сергей Эдуард'.split(' '),
  last: 'Васильев Иванов Кузнецов Михайлов Новиков Петров Попов Сидоров Смирнов Соколов'.split(' '),
};

const WOMEN: Names = {
  first: 'Александра Анна Евгения Екатерина Елизавета Надежда Оксана Ольга Светлана Снежанна'.split(' '),
  last: 'Алексеева Великая Волкова Егорова Козлова Лебедева Морозова Орлова Павлова Федорова'.split(' '),
};

export interface Customer {
  firstName: string;
  lastName: string;
  homeCity: number;
}

/** A customer's name and home depend on nothing but the id, so they are the same on every day. */
export function customerOf(customerId: number): Customer {
  const hash = mix32(customerId ^ 0x5eed);
  const { first, last } = hash % 2 === 0 ? MEN : WOMEN;
  return {
    firstName: first[(hash >>> 1) % first.length] ?? '',
    lastName: last[(hash >>> 8) % last.length] ?? '',
    homeCity: (hash >>> 16) % CITIES.length,
  };
}
