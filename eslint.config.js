import path from 'node:path';
import tseslint from 'typescript-eslint';

const RUNTIME = ['runtime', 'runtime/codec', 'runtime/temporal'];
const PIPELINE = ['pipeline/extract', 'pipeline/validate', 'pipeline/load'];

/**
 * Which of our folders each may import. Each stands below those that it imports, so there can be no cycle. Nothing in
 * this table imports dev or test; those two may import anything. domain/inputs.ts is set apart, since zod has no place in
 * the workflow bundle.
 */
const MAY_IMPORT = {
  domain: [{ types: 'domain/inputs' }],
  'domain/inputs': ['domain'],
  runtime: ['domain'],
  'runtime/codec': ['domain', 'runtime'],
  'runtime/temporal': ['domain', 'runtime', 'runtime/codec'],
  database: ['domain', 'runtime'],
  'pipeline/extract': ['domain', 'domain/inputs', 'runtime'],
  'pipeline/validate': ['domain', 'runtime'],
  'pipeline/load': ['domain', { types: 'domain/inputs' }, 'runtime', 'database'],
  activities: ['domain', 'domain/inputs', 'runtime', 'database', ...PIPELINE],
  workflows: ['domain', { types: 'domain/inputs' }, { types: 'activities' }],
  worker: ['package.json', 'domain', ...RUNTIME, 'database', ...PIPELINE, 'activities'],
  schemas: ['domain'],
  client: ['domain', ...RUNTIME, 'database', { types: 'workflows' }, { types: 'schemas' }],
};

const borders = {
  create(context) {
    const from = folderOf(context.filename);
    const allowed = MAY_IMPORT[from];
    if (!allowed) return {};
    const check = (node) => {
      const source = node.source?.value;
      if (typeof source !== 'string' || !source.startsWith('.')) return;
      const to = folderOf(path.resolve(path.dirname(context.filename), source));
      const isType = node.importKind === 'type' || node.exportKind === 'type';
      if (to === from || allowed.includes(to) || (isType && allowed.some(({ types }) => types === to)))
        return;
      context.report({ node, message: `${from}/ may not import ${to}: see MAY_IMPORT in eslint.config.js.` });
    };
    return {
      ImportDeclaration: check,
      ImportExpression: check,
      ExportNamedDeclaration: check,
      ExportAllDeclaration: check,
    };
  },
};

/** The longest name of the table that a file stands under; otherwise its path. `worker.ts` belongs to `worker`. */
function folderOf(file) {
  const name = path.relative(import.meta.dirname, file);
  const under = Object.keys(MAY_IMPORT).filter((one) => name.startsWith(`${one}/`) || name === `${one}.ts`);
  return under.sort((a, b) => b.length - a.length)[0] ?? name;
}

export default tseslint.config(
  { ignores: ['dist/', 'var/', 'node_modules/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: { allowDefaultProject: ['eslint.config.js'] } } },
    rules: {
      '@typescript-eslint/restrict-template-expressions': [
        'error',
        { allowNumber: true, allowBoolean: true },
      ],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
      'no-restricted-syntax': [
        'error',
        {
          selector: 'VariableDeclaration[kind=/using$/]',
          message: 'Node.js 22 runs the TypeScript as it is, and knows no `using`.',
        },
      ],
    },
  },
  {
    // node:test's test(), describe() and hooks return promises that the runner awaits itself.
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/no-floating-promises': [
        'error',
        {
          allowForKnownSafeCalls: [
            { from: 'package', package: 'node:test', name: ['test', 'it', 'describe', 'suite'] },
          ],
        },
      ],
    },
  },
  {
    plugins: { 'sales-increment': { rules: { borders } } },
    rules: { 'sales-increment/borders': 'error' },
  },
  { files: ['**/*.js'], ...tseslint.configs.disableTypeChecked },
);
