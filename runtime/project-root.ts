import { existsSync } from 'node:fs';
import path from 'node:path';

/** The folder that holds package.json and sql/, from the sources and from a build alike. */
export const projectRoot: string = findProjectRoot(import.meta.dirname);

function findProjectRoot(start: string): string {
  for (let directory = start; ; directory = path.dirname(directory)) {
    if (existsSync(path.join(directory, 'package.json'))) return directory;
    if (directory === path.dirname(directory)) throw new Error(`No package.json at or above ${start}.`);
  }
}
