import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { RESERVED_CLAIMS } from '../../src/index.js';
import { compileErrors } from '../support/compile.js';

const page = await readFile(new URL('../../docs/logins-and-claims.md', import.meta.url), 'utf8');

describe('docs/logins-and-claims.md', () => {
  it('shows code that compiles', async () => {
    const snippets = [...page.matchAll(/```ts\n([\s\S]*?)```/g)].map(([, code = '']) => code);
    expect(snippets).toHaveLength(3);
    expect(await compileErrors(Object.fromEntries(snippets.map((code, at) => [`part-${at}.ts`, code])))).toBe(
      '',
    );
  });

  it('names every reserved claim', () => {
    const named: string[] = /- Reserved: ([\s\S]*?)\n- /.exec(page)?.[1]?.match(/\w+/g) ?? [];
    expect([...RESERVED_CLAIMS].filter((name) => name !== '__proto__' && !named.includes(name))).toEqual([]);
  });
});
