import { describe, expect, it } from '@jest/globals';
import type { RefreshSession } from '../../src/core/refresh-token.store.js';
import { hashSecret } from '../../src/core/successor-seal.js';
import { madeBy, seen } from '../../src/tokens/refresh-events.js';
import type { RefreshRequest } from '../../src/tokens/refresh-request.js';

const at = (seconds: number) => new Date(seconds * 1000);
const former = (secret: string) => ({ hash: hashSecret(secret), sealed: '', attempt: null });
const use = (seconds: number, ip: string) => ({ ip, userAgent: null, at: at(seconds) });
const SESSION = {
  userId: 'u',
  id: 's',
  generation: 7,
  predecessors: [
    { ...former('one'), rotatedAt: at(1), displacedAt: null },
    { ...former('two'), rotatedAt: at(2), displacedAt: null },
  ],
  abandoned: [
    { ...former('three'), abandonedAt: at(3) },
    { ...former('four'), abandonedAt: at(4) },
  ],
  confirmedAt: null,
  lastUsedAt: at(2),
  recentUses: [use(1, '192.0.2.1'), use(2, '192.0.2.2'), use(3, '192.0.2.3')],
} as unknown as RefreshSession;

describe(seen.name, () => {
  it.each([
    ['one', at(1)],
    ['two', at(2)],
    ['three', at(3)],
    ['four', at(4)],
    ['unknown', null],
  ])('reports when the presented token was replaced or abandoned: %s', (sec, replacedAt) => {
    const client = { ip: '192.0.2.9', userAgent: 'a', fingerprints: [] };
    expect(seen({ token: { sec, gen: 2 }, client } as unknown as RefreshRequest, SESSION)).toEqual({
      userId: 'u',
      sessionId: 's',
      generation: 7,
      presentedGeneration: 2,
      replacedAt,
      confirmedAt: null,
      source: { ip: '192.0.2.9', userAgent: 'a' },
    });
  });
});

describe(madeBy.name, () => {
  it('is the use that made the generation, even if others were served it since', () => {
    expect(madeBy(SESSION)).toEqual(use(2, '192.0.2.2'));
    expect(madeBy({ ...SESSION, lastUsedAt: at(9) })).toBeNull();
  });
});
