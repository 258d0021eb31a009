import { describe, expect, it } from '@jest/globals';
import { stateOfIndex } from '../../src/database/index-state.js';

const TTL = { key: { expiresAt: 1 }, expireAfterSeconds: 0 };

describe(stateOfIndex.name, () => {
  it('finds an index with the same keys and options', () => {
    expect(stateOfIndex('refresh_tokens', TTL, [{ key: { _id: 1 } }, { ...TTL, name: 'x' }])).toEqual({
      collection: 'refresh_tokens',
      index: '{ expiresAt: 1 }',
      isTtl: true,
      state: 'ok',
      found: null,
      overdueMs: null,
    });
  });

  it('reports what exists instead: without an expiry, or with another one', () => {
    const plain = stateOfIndex('refresh_tokens', TTL, [{ key: { expiresAt: 1 } }]);
    expect(plain).toMatchObject({ state: 'different', found: 'no options' });
    const later = stateOfIndex('refresh_tokens', TTL, [{ ...TTL, expireAfterSeconds: 3600 }]);
    expect(later).toMatchObject({ state: 'different', found: 'expires after 3600 s' });
    const partial = stateOfIndex('refresh_tokens', TTL, [{ ...TTL, partialFilterExpression: { a: 1 } }]);
    expect(partial).toMatchObject({ state: 'different', found: 'expires after 0 s, only {"a":1}' });
  });

  it('finds the right one of several with the same keys', () => {
    expect(stateOfIndex('x', TTL, [{ key: { expiresAt: 1 }, sparse: true }, TTL])).toMatchObject({
      state: 'ok',
    });
  });

  it.each([
    ['another direction', [{ key: { expiresAt: -1 }, expireAfterSeconds: 0 }]],
    ['more fields', [{ key: { expiresAt: 1, at: 1 } }]],
    ['no index', []],
  ])('is missing if there is %s', (_case, present) => {
    expect(stateOfIndex('refresh_tokens', TTL, present)).toMatchObject({ state: 'missing', found: null });
  });

  it('respects the order of the fields', () => {
    const wanted = { key: { userId: 1, lastUsedAt: -1 } };
    expect(stateOfIndex('x', wanted, [{ key: { lastUsedAt: -1, userId: 1 } }])).toMatchObject({
      state: 'missing',
    });
  });

  it('distinguishes a unique index from others', () => {
    const wanted = { key: { email: 1 }, unique: true };
    expect(stateOfIndex('users', wanted, [{ key: { email: 1 } }])).toMatchObject({ state: 'different' });
  });
});
