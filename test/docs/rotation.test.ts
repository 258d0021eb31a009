import { readFile } from 'node:fs/promises';
import { describe, expect, it } from '@jest/globals';
import { AUTH_EVENTS } from '../../src/index.js';

const page = await readFile(new URL('../../docs/rotation.md', import.meta.url), 'utf8');

describe('docs/rotation.md', () => {
  it('explains every evidence and every reason for a refused refresh', () => {
    const known = (['restored', 'reuse_detected', 'refused'] as const).flatMap((kind) =>
      Object.keys(AUTH_EVENTS[`refresh_token.${kind}`].reason?.words ?? {}),
    );
    expect(known.length).toBeGreaterThan(10);
    expect(known.filter((name) => !page.includes(`\`${name}\``))).toEqual([]);
  });

  it('numbers the rows of the decision without a gap', () => {
    const rows = [...page.matchAll(/^\| (\d+) +\|/gm)].map(([, number]) => Number(number));
    expect(rows).toEqual(Array.from({ length: 17 }, (_, index) => index));
  });
});
