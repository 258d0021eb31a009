import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { compileErrors, snippetsOf } from '../support/compile.js';

const page = await readFile(new URL('../../docs/scaling.md', import.meta.url), 'utf8');

describe('docs/scaling.md', () => {
  it('shows code that compiles', async () => {
    const snippets = snippetsOf(page, 'scaling');
    expect(Object.keys(snippets)).toHaveLength(1);
    expect(await compileErrors(snippets)).toBe('');
  });
});
