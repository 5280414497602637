import { readFileSync } from 'node:fs';
import path from 'node:path';
import ts from 'typescript';
import { projectRoot } from '../../runtime/project-root.ts';

/** The named exports of a source file as TypeScript declares them, with their doc comments, as a Markdown block. */
export function declarations(file: string, names: readonly string[]): string {
  const source = readFileSync(path.join(projectRoot, file), 'utf8');
  const { outputText } = ts.transpileDeclaration(source, {
    fileName: file,
    compilerOptions: { target: ts.ScriptTarget.ES2023, module: ts.ModuleKind.NodeNext, strict: true },
  });
  const declared = ts.createSourceFile(`${file}.d.ts`, outputText, ts.ScriptTarget.ES2023);
  const texts = names.map((name) => {
    const statement = declared.statements.find((one) => isExported(one) && nameOf(one, declared) === name);
    if (!statement) throw new Error(`${file} exports no "${name}".`);
    return withComment(statement, declared).replace(/\bexport (?:declare )?/, '');
  });
  return ['```ts', ...texts, '```'].join('\n');
}

function isExported(statement: ts.Statement): boolean {
  return (
    ts.canHaveModifiers(statement) &&
    (ts.getModifiers(statement) ?? []).some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)
  );
}

function nameOf(statement: ts.Statement, file: ts.SourceFile): string | undefined {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations[0]?.name.getText(file);
  const isNamed =
    ts.isFunctionDeclaration(statement) ||
    ts.isClassDeclaration(statement) ||
    ts.isInterfaceDeclaration(statement) ||
    ts.isTypeAliasDeclaration(statement);
  return isNamed ? statement.name?.text : undefined;
}

/** The comment right before a declaration; one before that is about the file. */
function withComment(statement: ts.Statement, file: ts.SourceFile): string {
  const comment = ts.getLeadingCommentRanges(file.text, statement.getFullStart())?.at(-1);
  return file.text.slice(comment?.pos ?? statement.getStart(file), statement.getEnd());
}
