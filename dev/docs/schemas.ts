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

/** The commands with their schemas and documents, then an example of each document, as Markdown. */
export function documentsList(): string {
  const documents = new Map(COMMANDS.flatMap((command) => documentsOf(command)).map((one) => [one.id, one]));
  const rows = COMMANDS.map((command) => {
    const names = documentsOf(command).map(({ id }) => `[${id}](#${id.toLowerCase()})`);
    const name = command === 'error' ? 'no such command' : `\`${command}\``;
    return `| ${name} | [schema](../${schemaFile(command)}) | ${names.join(', ')} |`;
  });
  const examples = [...documents.values()].map(
    ({ id, description, examples: [example] }) =>
      `### ${id}\n\n${description}\n\n\`\`\`json\n${JSON.stringify(example)}\n\`\`\``,
  );
  return [['| command | schema | documents |', '| --- | --- | --- |', ...rows].join('\n'), ...examples].join(
    '\n\n',
  );
}

/** The documents that a command may print. */
function documentsOf(command: Command) {
  return DOCUMENTS[command].options.map((option) => {
    const { id, description, examples } = option.meta() ?? {};
    if (id === undefined || description === undefined || !Array.isArray(examples))
      throw new Error(`A document of ${command} lacks id, description or example.`);
    return { id, description, examples: examples as unknown[] };
  });
}
