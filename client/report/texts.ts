/** Every text of the page, in every language; no count in braces asks for a plural form. */
export const TEXTS = {
  report: { en: 'Sales report', ru: 'Отчёт о продажах' },
  reportOf: { en: 'Sales report {from} to {to}', ru: 'Отчёт о продажах с {from} по {to}' },
  created: { en: 'Created {time} UTC.', ru: 'Создан {time} UTC.' },
  empty: {
    en: 'The mart is empty: no day has ever been loaded. Load one, then create this report again:',
    ru: 'Витрина пуста: ни один день ещё не загружен. Загрузите день и создайте отчёт снова:',
  },
  about: {
    en: '{from} to {to}, net of refunds. Newest day loaded: {newest}.',
    ru: 'С {from} по {to}, за вычетом возвратов. Последний загруженный день: {newest}.',
  },
  range: { en: '{from} to {to}', ru: 'с {from} по {to}' },
  none: { en: 'none', ru: 'нет' },
  revenue: { en: 'Revenue', ru: 'Выручка' },
  orders: { en: 'Orders shipped', ru: 'Отправлено заказов' },
  refunds: { en: 'Orders refunded', ru: 'Возвращено заказов' },
  customers: { en: 'Customers', ru: 'Покупатели' },
  daysNotLoaded: { en: 'Days not loaded', ru: 'Не загружено дней' },
  recent: { en: 'Last 7 days: {value} ({change})', ru: 'Последние 7 дней: {value} ({change})' },
  recentAbout: {
    en: 'The last 7 days are {from} to {to}; changes are relative to the 7 days before.',
    ru: 'Последние 7 дней: с {from} по {to}; изменение относительно предыдущих 7 дней.',
  },
  recentOpen: {
    en: 'Of these 14 days not loaded: {n}, so the change can mislead.',
    ru: 'Из этих 14 дней не загружено: {n}; изменение может вводить в заблуждение.',
  },
  sections: { en: 'Sections', ru: 'Разделы' },

  attention: { en: 'Days that need attention', ru: 'Дни, требующие внимания' },
  nothingOpen: {
    en: 'Every day that is due is loaded.',
    ru: 'Все дни, срок загрузки которых наступил, загружены.',
  },
  warnings: { en: 'Warnings', ru: 'Предупреждения' },
  noWarnings: {
    en: 'No warnings about the days of this range.',
    ru: 'Предупреждений о днях этого периода нет.',
  },
  needs: { en: 'Needs {files}.', ru: 'Не хватает: {files}.' },
  acceptedWithout: { en: 'Accepted without {files}.', ru: 'Принят без файлов: {files}.' },
  moreEntries: { en: 'More entries: {n}.', ru: 'Ещё записей: {n}.' },
  recorded: { en: 'As recorded ({n})', ru: 'Исходные сообщения ({n})' },
  dayCount: { en: 'days: {n}', ru: 'дней: {n}' },
  unlikely: {
    en: 'Not in this report: orders with dates that their deliveries cannot be about, as typing errors have them (orders in brackets): {dates}.',
    ru: 'В отчёт не вошли заказы с датами, к которым их поставки не могут относиться, например из-за опечатки (в скобках число заказов): {dates}.',
  },
  // The kinds of warnings, in explanations.ts.
  'warning.columns': {
    en: '{file}: columns that are unknown are ignored, number {what}.',
    ru: '{file}: неизвестные столбцы пропущены, номер {what}.',
  },
  'warning.noRows': { en: '{file} has no rows.', ru: '{file}: в файле нет строк.' },
  'warning.lines': {
    en: '{file}: a quoted field spans lines; check that a stray quote has not swallowed rows.',
    ru: '{file}: значение в кавычках занимает несколько строк; проверьте, не поглотила ли лишняя кавычка соседние строки.',
  },
  'warning.encoding': {
    en: '{file}: the storage names an encoding that is none, “{what}”; the bytes decided how it was read.',
    ru: '{file}: хранилище указывает неизвестную кодировку содержимого «{what}»; файл прочитан по его байтам.',
  },
  'warning.volume': {
    en: '{file} has far fewer rows than usual; check at the source whether it is complete.',
    ru: '{file}: строк намного меньше обычного; проверьте у источника, полон ли файл.',
  },
  'warning.notFound': {
    en: 'The report API has no increment for these days any more; what was loaded before stays.',
    ru: 'У API отчётов больше нет данных за эти дни; загруженное ранее сохранено.',
  },
  'warning.failed': {
    en: 'A newer delivery could not be loaded; what was loaded before stays.',
    ru: 'Более новую поставку не удалось загрузить; загруженное ранее сохранено.',
  },
  'warning.other': { en: 'Note: {message}', ru: 'Сообщение: {message}' },

  retention: { en: 'Weekly retention', ru: 'Удержание по неделям' },
  customersPerWeek: { en: 'Customers per week', ru: 'Покупатели по неделям' },
  customersAbout: {
    en: 'New: exactly one shipped order in the week. Returning: more than one. Refunded: at least one refund, whether or not there were orders too. The first and last weeks are shown in full.',
    ru: 'Новые: ровно один отправленный заказ за неделю. Вернувшиеся: больше одного. С возвратом: хотя бы один возврат, были при этом заказы или нет. Первая и последняя недели показаны целиком.',
  },
  sharesPerWeek: { en: 'Share of the week’s customers', ru: 'Доля покупателей недели' },
  sharesAbout: {
    en: 'Of all customers with an order or a refund in the week. A customer can be in two categories, so the shares can add up to more than 100%.',
    ru: 'От всех покупателей с заказом или возвратом за неделю. Покупатель может входить в две категории, поэтому сумма долей может превышать 100 %.',
  },
  revenuePerWeek: {
    en: 'Revenue per week by customer category',
    ru: 'Выручка по неделям и категориям покупателей',
  },
  revenuePerWeekAbout: {
    en: 'All rows of the customers in a category, with refunds negative. A customer can be in two categories, so the three do not add up to the total revenue.',
    ru: 'Все строки покупателей категории, возвраты со знаком минус. Покупатель может входить в две категории, поэтому сумма трёх не равна общей выручке.',
  },
  new: { en: 'New', ru: 'Новые' },
  returning: { en: 'Returning', ru: 'Вернувшиеся' },
  refunded: { en: 'Refunded', ru: 'С возвратом' },
  week: { en: 'Week', ru: 'Неделя' },
  monday: { en: 'Monday', ru: 'Понедельник' },

  salesByDay: { en: 'Sales by day', ru: 'Продажи по дням' },
  revenuePerDay: { en: 'Revenue per day', ru: 'Выручка по дням' },
  revenuePerDayAbout: {
    en: 'By order date, not by load date; net of refunds.',
    ru: 'По дате заказа, а не загрузки; за вычетом возвратов.',
  },
  noSales: { en: 'No sales in this range.', ru: 'В этом периоде продаж нет.' },
  total: { en: 'Total', ru: 'Итого' },
  day: { en: 'Day', ru: 'День' },

  salesByCity: { en: 'Sales by city', ru: 'Продажи по городам' },
  revenuePerCity: { en: 'Revenue per city', ru: 'Выручка по городам' },
  city: { en: 'City', ru: 'Город' },
  salesByItem: { en: 'Sales by item', ru: 'Продажи по товарам' },
  revenuePerItem: { en: 'Revenue per item', ru: 'Выручка по товарам' },
  item: { en: 'Item', ru: 'Товар' },
  highestFirst: { en: 'Highest revenue first.', ru: 'По убыванию выручки.' },
  highestAndOthers: {
    en: 'The {n} with the highest revenue, and all others together.',
    ru: 'Первые {n} по выручке и все прочие вместе.',
  },

  daysLoaded: { en: 'Days loaded', ru: 'Загруженные дни' },
  deliveries: { en: 'Deliveries', ru: 'Поставки' },
  deliveriesAbout: {
    en: 'One square per load date; {states}.',
    ru: 'Один квадрат на дату загрузки; {states}.',
  },
  nothingDue: {
    en: 'No day in this range is due yet.',
    ru: 'В этом периоде ещё нет дней, срок загрузки которых наступил.',
  },
  state: { en: 'State', ru: 'Состояние' },
  days: { en: 'Days', ru: 'Дней' },
  rowsKept: { en: 'Rows kept', ru: 'Принято строк' },
  rowsRejected: { en: 'Rejected', ru: 'Отклонено' },
  'state.loaded': { en: 'loaded', ru: 'загружен' },
  'state.no_increment': { en: 'no increment', ru: 'нет данных' },
  'state.missing': { en: 'missing', ru: 'отсутствует' },
  'state.failed': { en: 'failed', ru: 'ошибка' },
  'state.stale': { en: 'not in the mart', ru: 'не в витрине' },
  'state.running': { en: 'running', ru: 'выполняется' },

  rejected: { en: 'Rejected rows', ru: 'Отклонённые строки' },
  rejectedByReason: { en: 'Rejected rows by reason', ru: 'Отклонённые строки по причинам' },
  rejectedAbout: {
    en: 'By load date, from the newest load of each file. The rows themselves are in {table}.',
    ru: 'По дате загрузки, из последней загрузки каждого файла. Сами строки: {table}.',
  },
  noneRejected: { en: 'No rows were rejected in this range.', ru: 'В этом периоде отклонённых строк нет.' },
  reason: { en: 'Reason', ru: 'Причина' },
  column: { en: 'Column', ru: 'Столбец' },
  file: { en: 'File', ru: 'Файл' },
  row: { en: 'row', ru: 'строка' },
  rows: { en: 'Rows', ru: 'Строк' },
  others: { en: 'Others ({n})', ru: 'Прочие ({n})' },
  // What a broken rule of pipeline/validate/ means.
  'rule.type': { en: 'wrong type', ru: 'неверный тип' },
  'rule.range': { en: 'out of range', ru: 'вне допустимых границ' },
  'rule.rounding': { en: 'too many decimal places', ru: 'слишком много знаков после запятой' },
  'rule.required': { en: 'empty, but required', ru: 'пусто, но обязательно' },
  'rule.allowed': { en: 'not an allowed value', ru: 'недопустимое значение' },
  'rule.nul': { en: 'contains a NUL byte', ru: 'содержит нулевой байт' },
  'rule.fields': { en: 'wrong number of fields', ru: 'неверное число полей' },
  'rule.quote': { en: 'broken quotes', ru: 'нарушены кавычки' },

  chart: {
    en: 'Chart: {title}. The numbers are in the table below.',
    ru: 'Диаграмма: {title}. Числа в таблице ниже.',
  },
  table: { en: 'Table: {title}', ru: 'Таблица: {title}' },
} as const satisfies Record<string, Record<Language, string>>;

export const LANGUAGES = ['en', 'ru'] as const;
export type Language = (typeof LANGUAGES)[number];
export type TextKey = keyof typeof TEXTS;
