import { plainLines } from '../domain/text.ts';
import type { Document } from '../schemas/documents.ts';

/** Standard output gets the result only: one JSON document with --json, otherwise text. Notes go to standard error. */
export class Output {
  readonly json: boolean;

  constructor(json: boolean) {
    this.json = json;
  }

  /** The command's result, once. */
  result(document: Document, text: () => string): void {
    process.stdout.write(`${this.json ? JSON.stringify(document, null, 2) : plainLines(text())}\n`);
  }

  /** A line about the progress. */
  readonly note = (line: string): void => {
    process.stderr.write(`${plainLines(line)}\n`);
  };
}

/** Ends a command with 1 (failed) or 2 (wrong usage or settings), with a message and its JSON document. */
export class CommandFailed extends Error {
  override readonly name = 'CommandFailed';
  readonly exitCode: 1 | 2;
  readonly document: Document;

  constructor(message: string, exitCode: 1 | 2 = 1, document: Document = { error: message }) {
    super(message);
    this.exitCode = exitCode;
    this.document = document;
  }
}
