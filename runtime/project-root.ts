import path from 'node:path';

/** The folder that holds package.json and sql/. */
export const projectRoot: string = path.dirname(import.meta.dirname);
