import { describe, expect, it } from '@jest/globals';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import ts from 'typescript';
import { VARIABLES } from '../../src/app/environment.js';
import { AUTH_ERRORS } from '../../src/index.js';
import { compileErrors } from '../support/compile.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));
const readme = await readFile(join(ROOT, 'README.md'), 'utf8');

/** The rows of the table whose header begins with `first`, cells trimmed and without code marks at their ends. */
function table(first: string): string[][] {
  const lines = readme.split('\n');
  const start = lines.findIndex((line) => new RegExp(`^\\| ${first} +\\|`).test(line));
  const rows = lines.slice(start + 2);
  const end = rows.findIndex((line) => !line.startsWith('|'));
  return rows.slice(0, end).map((line) =>
    line
      .slice(1, -1)
      .split(/(?<!\\)\|/)
      .map((cell) => cell.trim().replaceAll('\\|', '|')),
  );
}

const code = (cell = '') => /^`(.*)`$/.exec(cell)?.[1] ?? cell;

/** Every option that a user can set, with the `@default` of its comment. */
function declaredOptions(): [string, string][] {
  const path = join(ROOT, 'src/core/options/auth-options.ts');
  const source = ts.createSourceFile(path, ts.sys.readFile(path) ?? '', ts.ScriptTarget.Latest, true);
  const interfaces = new Map(
    source.statements
      .filter(ts.isInterfaceDeclaration)
      .map((declaration) => [declaration.name.text, declaration]),
  );
  const walk = (name: string, prefix: string): [string, string][] =>
    [...(interfaces.get(name)?.members ?? [])].filter(ts.isPropertySignature).flatMap((member) => {
      const key = `${prefix}${member.name.getText()}`;
      const type = (member.type?.getText() ?? '').replace('false | ', '');
      // A pair of number and window is given as a whole.
      if (interfaces.has(type) && type !== 'LimitOptions') return walk(type, `${key}.`);
      const tag = ts.getJSDocTags(member).find(({ tagName }) => tagName.text === 'default');
      const fallback =
        ts.getTextOfJSDocComment(tag?.comment) ?? (member.questionToken ? '(undocumented)' : 'required');
      return [[key, fallback] as [string, string]];
    });
  return walk('AuthOptions', '');
}

/** The members of a union of literals. */
function literals(file: string, name: string): string[] {
  const path = join(ROOT, file);
  const source = ts.createSourceFile(path, ts.sys.readFile(path) ?? '', ts.ScriptTarget.Latest, true);
  const alias = source.statements.filter(ts.isTypeAliasDeclaration).find((each) => each.name.text === name);
  return (alias?.type as ts.UnionTypeNode).types.map((type) => type.getText().slice(1, -1));
}

describe('README', () => {
  it('lists every option with the default that its declaration states', () => {
    const documented = table('option').map(([key, fallback]) => [code(key), code(fallback)]);
    const sort = (rows: string[][]) => rows.map((row) => row.join(' = ')).sort();
    // Keys have no default either; their group is what is required.
    const declared = declaredOptions();
    expect(declared.length).toBeGreaterThan(25);
    expect(sort(documented)).toEqual(sort(declared));
  });

  it('lists every variable of the environment, its default and its meaning', () => {
    expect(table('variable')).toEqual(
      VARIABLES.map(({ name, fallback, meaning }) => [`\`${name}\``, fallback, meaning]),
    );
  });

  it('lists every error code with its status', () => {
    const documented = table('code').map(([key, status]) => [code(key), Number(status)]);
    const known = Object.entries(AUTH_ERRORS).map(([key, [status]]) => [key, status]);
    expect(Object.fromEntries(documented)).toEqual(Object.fromEntries(known));
  });

  it('explains every evidence and every reason for a refused refresh', () => {
    const explained = table('cause')
      .map(([, , , evidence]) => evidence)
      .join(' ');
    const known = [
      ...literals('src/core/rotation.ts', 'ReuseEvidence'),
      ...literals('src/core/rotation.ts', 'RestoredEvidence'),
      ...literals('src/core/events.ts', 'RefusalReason'),
    ];
    expect(known.length).toBeGreaterThan(10);
    expect(known.filter((name) => !explained.includes(`\`${name}\``))).toEqual([]);
  });

  it('shows an application that compiles', async () => {
    const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(snippet).toContain("from 'nestjs-silent-auth'");
    expect(await compileErrors({ 'app.ts': snippet })).toBe('');
  });
});
