import assert from 'node:assert/strict';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { Ajv2020, type ValidateFunction } from 'ajv/dist/2020.js';
import { projectRoot } from '../../runtime/project-root.ts';

const ajv = new Ajv2020({ allErrors: true, allowUnionTypes: true });
const loaded = new Map<string, Map<string, ValidateFunction>>();

/** The documents that a published schema allows, by name. */
export function documentsOf(command: string): Map<string, ValidateFunction> {
  let documents = loaded.get(command);
  if (!documents) {
    const schema = JSON.parse(readFileSync(schemaFile(command), 'utf8')) as {
      $id: string;
      anyOf: { $ref: string }[];
    };
    ajv.addSchema(schema);
    documents = new Map(
      schema.anyOf.map(({ $ref }) => [
        $ref.replace('#/$defs/', ''),
        ajv.compile({ $ref: `${schema.$id}${$ref}` }),
      ]),
    );
    loaded.set(command, documents);
  }
  return documents;
}

/** The command in the client's arguments, as the names of the schemas write it. */
function commandOf([first = '', second = '']: readonly string[]): string {
  return [`${first}-${second}`, first].find((name) => existsSync(schemaFile(name))) ?? 'error';
}

/** One of each document that was checked, by `command: name`. */
export const printed = new Map<string, object>();

/** The name of the one document that standard output is by the published schema of its command; fails when it is none. */
export function documentName(args: readonly string[], stdout: string): string {
  const command = commandOf(args);
  const document = JSON.parse(stdout) as object;
  const documents = [...documentsOf(command)];
  const names = documents.filter(([, validate]) => validate(document)).map(([name]) => name);
  const faults = documents.map(([name, { errors }]) => `${name}: ${ajv.errorsText(errors)}`).join('\n');
  assert.equal(names.length, 1, `schemas/${command}.schema.json does not allow ${stdout}\n${faults}`);
  const [name = ''] = names;
  printed.set(`${command}: ${name}`, document);
  return name;
}

function schemaFile(command: string): string {
  return path.join(projectRoot, 'schemas', `${command}.schema.json`);
}
