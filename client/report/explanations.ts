import { isFailureType, type FailureType } from '../../domain/failures.ts';
import type { Language, TextKey } from './texts.ts';

/** Why a day failed, by the failure's type; what the run has recorded stands behind it. */
export const FAILURE_TEXTS: Record<FailureType | 'other', Record<Language, string>> = {
  InvalidInput: {
    en: 'The run was started with an input that cannot be used.',
    ru: 'Задание запущено с неверными параметрами.',
  },
  ReportApiUnauthorized: {
    en: 'The report API does not accept the key.',
    ru: 'API отчётов не принимает ключ доступа.',
  },
  ReportApiRefused: { en: 'The report API refuses the request.', ru: 'API отчётов отклоняет запрос.' },
  ReportApiUnavailable: { en: 'The report API does not answer.', ru: 'API отчётов не отвечает.' },
  ReportApiAnswerInvalid: {
    en: 'The report API answers something that cannot be used.',
    ru: 'Ответ API отчётов непригоден.',
  },
  ReportFailed: {
    en: 'The report API could not make the report.',
    ru: 'API отчётов не смог построить отчёт.',
  },
  ReportTimedOut: { en: 'The report was not made in time.', ru: 'Отчёт не был готов вовремя.' },
  FilesMissing: { en: 'Files of the day did not appear in time.', ru: 'Файлы дня не появились вовремя.' },
  FileNotAvailable: { en: 'The storage does not have a file.', ru: 'В хранилище нет файла.' },
  FilesNotLanded: { en: 'Files could not be downloaded.', ru: 'Не удалось скачать файлы.' },
  DownloadInterrupted: { en: 'A download broke off.', ru: 'Скачивание файла прервалось.' },
  UnsafeAddress: {
    en: 'A file has an address that is not followed.',
    ru: 'Адрес файла недопустим, загрузка по нему не выполняется.',
  },
  FileTooLarge: { en: 'A file is larger than is allowed.', ru: 'Файл больше допустимого размера.' },
  FileRefused: {
    en: 'A file is not what it should be, or too many of its rows are bad; nothing was changed.',
    ru: 'Файл не соответствует формату, или в нём слишком много ошибочных строк; данные не изменены.',
  },
  LandedRowsGone: {
    en: 'The rows of a downloaded file were gone from the database before they were loaded.',
    ru: 'Строки скачанного файла исчезли из базы данных до загрузки.',
  },
  LandingUnavailable: {
    en: 'The worker cannot write its files.',
    ru: 'Обработчик не может записать свои файлы.',
  },
  DatabaseUnavailable: {
    en: 'The database did not answer, or could not work.',
    ru: 'База данных не отвечала или не могла работать.',
  },
  DatabaseRefused: { en: 'The database refused a statement.', ru: 'База данных отклонила запрос.' },
  SchemaMissing: {
    en: 'A table or column is missing in the database.',
    ru: 'В базе данных нет нужной таблицы или столбца.',
  },
  AlertNotSent: { en: 'A message could not be sent.', ru: 'Не удалось отправить сообщение.' },
  Cancelled: { en: 'Somebody cancelled the run.', ru: 'Задание отменил человек.' },
  StepTimedOut: { en: 'A step did not finish in time.', ru: 'Шаг не завершился вовремя.' },
  WorkerStopped: { en: 'The worker was stopped.', ru: 'Обработчик был остановлен.' },
  other: { en: 'The run failed.', ru: 'Задание завершилось ошибкой.' },
};

export function failureText(type: string | null, language: Language): string {
  return FAILURE_TEXTS[isFailureType(type) ? type : 'other'][language];
}

interface WarningType {
  key: TextKey;
  /** What runs and statements write; its groups are `file` and `what`. */
  pattern: RegExp;
}

/** The kinds of warnings, as they are recorded. */
const WARNING_TYPES: readonly WarningType[] = [
  { key: 'warning.columns', pattern: /^(?<file>\w+): columns? (?<what>.+) (?:is|are) unknown and ignored$/ },
  { key: 'warning.noRows', pattern: /^(?<file>\w+): the file has no rows$/ },
  { key: 'warning.lines', pattern: /^(?<file>\w+): .*quoted fields? spans? lines/ },
  { key: 'warning.encoding', pattern: /^(?<file>\w+): .*Content-Encoding "(?<what>.*)", which/ },
  { key: 'warning.volume', pattern: /^(?<file>\w+) kept .* rows; the median/ },
  { key: 'warning.notFound', pattern: /the report API had no increment for this date any more/ },
  { key: 'warning.failed', pattern: /^a newer delivery could not be loaded/ },
];

/** The kind of a recorded warning, and what it is about. */
export function warningType(warning: string): { key: TextKey; file: string; what: string } {
  for (const { key, pattern } of WARNING_TYPES) {
    const match = pattern.exec(warning);
    if (match) return { key, file: match.groups?.file ?? '', what: match.groups?.what ?? '' };
  }
  return { key: 'warning.other', file: '', what: '' };
}
