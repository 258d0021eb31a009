import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';

const ROOT = new URL('../../', import.meta.url);
const read = (path: string) => readFile(new URL(path, ROOT), 'utf8');
/** The formatter indents what stands alone in its own way. */
const flat = (code: string) => code.replaceAll(/^ +/gm, '');

describe.each(['google', 'magic-link', 'passkeys', 'totp'])('docs/recipes/%s.md', (name) => {
  it('shows the code of the example as it is', async () => {
    const page = await read(`docs/recipes/${name}.md`);
    const snippets = [...page.matchAll(/```ts\n\/\/ (\S+)\n([\s\S]*?)```/g)];
    expect(snippets.length).toBeGreaterThan(0);
    expect(snippets).toHaveLength(page.match(/```ts\n/g)?.length ?? 0);
    for (const [, path = '', code = ''] of snippets) expect(flat(await read(path))).toContain(flat(code));
  });
});
