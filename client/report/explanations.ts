import { FAILURES, isFailureType, type FailureType } from '../../domain/failures.ts';
import type { Locale } from './locale.ts';
import type { Language, TextKey } from './texts.ts';

/** Why a day failed, by the failure's type; in English the table of failures says it. */
export const FAILURES_IN_RUSSIAN: Record<FailureType, string> = {
  InvalidInput: 'Задание запущено с неверными параметрами.',
  ReportApiUnauthorized: 'API отчётов не принимает ключ доступа.',
  ReportApiRefused: 'API отчётов отклоняет запрос.',
  ReportApiUnavailable: 'API отчётов не отвечает.',
  ReportApiAnswerInvalid: 'Ответ API отчётов непригоден.',
  ReportFailed: 'API отчётов не смог построить отчёт.',
  ReportTimedOut: 'Отчёт не был готов вовремя.',
  FilesMissing: 'Файлы дня не появились вовремя.',
  FileNotAvailable: 'В хранилище нет файла.',
  FilesNotLanded: 'Не удалось скачать файлы.',
  DownloadInterrupted: 'Скачивание файла прервалось.',
  UnsafeAddress: 'Адрес файла недопустим, загрузка по нему не выполняется.',
  FileTooLarge: 'Файл больше допустимого размера.',
  FileRefused: 'Файл не соответствует формату, или в нём слишком много ошибочных строк; данные не изменены.',
  LandedRowsGone: 'Строки скачанного файла исчезли из базы данных до загрузки.',
  LandingUnavailable: 'Обработчик не может записать свои файлы.',
  DatabaseUnavailable: 'База данных не отвечала или не могла работать.',
  DatabaseRefused: 'База данных отклонила запрос.',
  SchemaMissing: 'В базе данных нет нужной таблицы или столбца.',
  AlertNotSent: 'Не удалось отправить сообщение.',
  Cancelled: 'Задание отменил человек.',
  StepTimedOut: 'Шаг не завершился вовремя.',
  WorkerStopped: 'Обработчик был остановлен.',
};

export function failureText(type: string | null, language: Language): string {
  if (!isFailureType(type)) return language === 'ru' ? 'Задание завершилось ошибкой.' : 'The run failed.';
  if (language === 'ru') return FAILURES_IN_RUSSIAN[type];
  const { symptom } = FAILURES[type];
  return `${symptom.charAt(0).toUpperCase()}${symptom.slice(1)}.`;
}

/** The kinds of warnings, as runs and statements write them: their groups go into the text. */
const WARNINGS: Partial<Record<TextKey, RegExp>> = {
  'warning.columns': /^(?<file>\w+): columns? (?<what>.+) (?:is|are) unknown and ignored$/,
  'warning.noRows': /^(?<file>\w+): the file has no rows$/,
  'warning.lines': /^(?<file>\w+): .*quoted fields? spans? lines/,
  'warning.encoding': /^(?<file>\w+): .*Content-Encoding "(?<what>.*)", which/,
  'warning.volume': /^(?<file>\w+) kept .* rows; the median/,
  'warning.notFound': /the report API had no increment for this date any more/,
  'warning.failed': /^a newer delivery could not be loaded/,
};

/** A recorded warning in the language of the page; undefined when it is of no known kind. */
export function warningText(warning: string, { text }: Locale): string | undefined {
  for (const [key, pattern] of Object.entries(WARNINGS)) {
    const match = pattern.exec(warning);
    if (match) return text(key as TextKey, match.groups);
  }
  return undefined;
}
