import { expect } from '@jest/globals';
import type { Api } from './http.js';

const TYPES: Readonly<Record<string, string>> = {
  js: 'text/javascript',
  css: 'text/css',
  svg: 'image/svg+xml',
};

/**
 * The paths of a page and of every file of this host that it loads, recursively. Expects each to exist and
 * have its type.
 */
export async function linkedFiles(api: Api, page: string): Promise<string[]> {
  const found = new Set<string>();
  const visit = async (path: string): Promise<void> => {
    if (found.has(path)) return;
    found.add(path);
    const { status, headers, text } = await api.send('GET', path);
    expect(`${path} ${status}`).toBe(`${path} 200`);
    expect(headers['content-type']).toContain(TYPES[path.split('.')[1] ?? ''] ?? 'text/html');
    for (const [, linked, imported] of text.matchAll(/(?:src|href)="(\/?[\w-]+\/[^"]+)"|from '(\.[^']+)'/g))
      await visit(new URL(linked ?? imported ?? '', `http://host${path}`).pathname);
  };
  await visit(page);
  return [...found];
}
