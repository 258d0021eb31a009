import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { declaredOptions } from '../../tools/docs-reference.mjs';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, ROOT), 'utf8');
/** The formatter indents separate snippets differently. */
const flat = (code: string) => code.replaceAll(/^ +/gm, '');

describe.each(['google', 'magic-link', 'passkeys', 'totp', 'verify-only'])('docs/recipes/%s.md', (name) => {
  it('shows the code of the example unchanged', async () => {
    const page = await read(`docs/recipes/${name}.md`);
    const snippets = [...page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)];
    expect(snippets.length).toBeGreaterThan(0);
    expect(snippets).toHaveLength(page.match(/```ts\n/g)?.length ?? 0);
    for (const [, path = '', code = ''] of snippets) expect(flat(await read(path))).toContain(flat(code));
  });
});

describe('docs/recipes/verify-only.md', () => {
  it('lists every option with its default', async () => {
    const declared = declaredOptions('VerifyOnlyAuthOptions').map(({ path, isRequired, fallback }) => ({
      path,
      fallback: isRequired ? 'required' : fallback,
    }));
    const rows = [...(await read('docs/recipes/verify-only.md')).matchAll(/^\| `([\w.]+)` +\| (.*?) +\|/gm)];
    const listed = rows.map(([, path, fallback = '']) => ({ path, fallback: fallback.replaceAll('`', '') }));
    expect(listed).toEqual(expect.arrayContaining(declared));
    expect(listed).toHaveLength(declared.length);
  });
});
