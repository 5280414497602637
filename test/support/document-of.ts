import { Output } from '../../client/output.ts';
import type { Document } from '../../schemas/documents.ts';

/** Runs a command of the client in this process, by the settings of `process.env`; returns the document of its result. */
export async function documentOf<T = Document>(
  command: (output: Output) => Promise<void>,
  notes: string[] = [],
): Promise<T> {
  const documents: Document[] = [];
  const result = (document: Document) => documents.push(document);
  const note = (line: string) => notes.push(line);
  await command(Object.assign(new Output(true), { result, note }));
  return documents[0] as T;
}
