/** Every workflow that the worker knows, by the name that starts it. */
export { salesAlert } from './sales-alert.ts';
export { salesBackfill } from './sales-backfill.ts';
export { salesHistory } from './sales-history.ts';
export { salesIncrement } from './sales-increment.ts';
