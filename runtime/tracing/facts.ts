import { isLoadDate } from '../../domain/load-date.ts';

const LOAD_DATE = 'sales.load_date';
const FILE = 'sales.file';

/** The load date and the file that the arguments of a workflow or an activity are about, where they tell. */
export function factsOf(args: readonly unknown[]): Record<string, string> {
  const request = membersOf(args[0]);
  const delivery = 'delivery' in request ? membersOf(request.delivery) : request;
  const date = [delivery.loadDate, ...args].find((one) => typeof one === 'string' && isLoadDate(one));
  const file = membersOf(request.file).file ?? request.file;
  return {
    ...(typeof date === 'string' && { [LOAD_DATE]: date }),
    ...(typeof file === 'string' && { [FILE]: file }),
  };
}

/** A failure's type of the table (docs/runbook.md), else a code, else the class; never the message. */
export function errorType(error: unknown): string {
  const { type, code, name } = membersOf(error);
  return (
    ([type, code, name].find((one) => typeof one === 'string' && one !== '') as string | undefined) ?? 'Error'
  );
}

function membersOf(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>) : {};
}
