/** Every workflow that the worker knows, by the name that starts it. */
export { salesIncrement } from './sales-increment.ts';
