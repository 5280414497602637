import { z } from 'zod';
import { DOCUMENTS } from '../../schemas/documents.ts';

type Command = keyof typeof DOCUMENTS;

export const COMMANDS = Object.keys(DOCUMENTS) as Command[];

/** The file of a command's JSON Schema. */
export function schemaFile(command: string): string {
  return `schemas/${command.replace(' ', '-')}.schema.json`;
}

/** What a command prints with `--json`, as a JSON Schema (draft 2020-12). */
export function schemaOf(command: Command): object {
  const { $schema, ...schema } = z.toJSONSchema(DOCUMENTS[command]);
  const isCommand = command !== 'error';
  return {
    $schema,
    $id: `urn:sales-increment:${command.replace(' ', '-')}`,
    title: isCommand ? `client ${command} --json` : 'client --json',
    description: `What ${isCommand ? 'the command' : 'the client without an existing command'} prints on standard output.`,
    ...schema,
  };
}
