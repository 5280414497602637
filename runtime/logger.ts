import { DefaultLogger, type LogEntry, type LogLevel } from '@temporalio/worker';

const isTerminal = process.stderr.isTTY;

/** Log lines on standard error: JSON, one document a line; in a terminal, short lines to read. */
export function createLogger(level: LogLevel): DefaultLogger {
  return new DefaultLogger(level, (entry) => {
    process.stderr.write(`${isTerminal ? readable(entry) : json(entry)}\n`);
  });
}

function json({ timestampNanos, level, message, meta }: LogEntry): string {
  const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString();
  return JSON.stringify({ time, level: level.toLowerCase(), message, ...meta }, (key, value: unknown) => {
    if (key === 'taskToken') return undefined;
    if (typeof value === 'bigint') return String(value);
    if (value instanceof Error) return { name: value.name, message: value.message, stack: value.stack };
    return value;
  });
}

const SHOWN = ['workflowType', 'activityType', 'workflowId', 'attempt', 'taskQueue', 'error'];

function readable({ timestampNanos, level, message, meta }: LogEntry): string {
  const time = new Date(Number(timestampNanos / 1_000_000n)).toISOString().slice(11, 19);
  const about = SHOWN.flatMap((name) => {
    const value: unknown = (meta as Record<string, unknown> | undefined)?.[name];
    if (value === undefined) return [];
    return `${name}=${value instanceof Error ? value.message : JSON.stringify(value)}`;
  });
  return [time, level.padEnd(5), message, ...about].join(' ');
}
