import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from '@jest/globals';
import { VARIABLES } from '../../apps/service/src/config/environment.js';
import { AUTH_ERRORS, AUTH_EVENTS } from '../../src/index.js';
import { declaredOptions, withTables } from '../../tools/docs-tables.mjs';
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

describe('README', () => {
  it('lists every option and every variable with its default and its meaning, as npm run docs:tables writes them', () => {
    expect(declaredOptions().length).toBeGreaterThan(25);
    expect(declaredOptions().filter(({ meaning }) => meaning === '')).toEqual([]);
    expect(table('option')).toHaveLength(declaredOptions().length);
    expect(table('variable')).toHaveLength(VARIABLES.length);
    expect(withTables(readme, VARIABLES)).toBe(readme);
  });

  it('lists every error code with its status and its meaning', () => {
    const known = Object.entries(AUTH_ERRORS).map(([key, { status, meaning }]) => [
      `\`${key}\``,
      String(status),
      meaning,
    ]);
    expect(table('code')).toEqual(known);
  });

  it('explains every evidence and every reason for a refused refresh', () => {
    const explained = table('cause')
      .map(([, , , evidence]) => evidence)
      .join(' ');
    const known = (['restored', 'reuse_detected', 'refused'] as const).flatMap((kind) =>
      Object.keys(AUTH_EVENTS[`refresh_token.${kind}`].reason?.words ?? {}),
    );
    expect(known.length).toBeGreaterThan(10);
    expect(known.filter((name) => !explained.includes(`\`${name}\``))).toEqual([]);
  });

  it('shows an application that compiles', async () => {
    const snippet = /```ts\n([\s\S]*?)```/.exec(readme)?.[1] ?? '';
    expect(snippet).toContain("from 'nestjs-silent-auth'");
    expect(await compileErrors({ 'app.ts': snippet })).toBe('');
  });
});
