const DAY_MS = 86_400_000;

/** Whether the text is a real date written YYYY-MM-DD (2024-02-30 is not one). */
export function isDate(text: string): boolean {
  if (!/^\d{4}-\d{2}-\d{2}$/.test(text)) return false;
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** Days since 1970-01-01; throws a RangeError when the text is no date. */
export function dayNumber(date: string): number {
  if (!isDate(date)) throw new RangeError(`"${date}" is not a date: write it YYYY-MM-DD`);
  return Date.parse(`${date}T00:00:00Z`) / DAY_MS;
}

export function dateOf(day: number): string {
  return new Date(day * DAY_MS).toISOString().slice(0, 10);
}

export function addDays(date: string, days: number): string {
  return dateOf(dayNumber(date) + days);
}
