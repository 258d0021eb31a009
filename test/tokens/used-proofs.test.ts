import { describe, expect, it } from '@jest/globals';
import { proofId, UsedProofs } from '../../src/tokens/used-proofs.js';

describe(UsedProofs.name, () => {
  it('recognises a proof for as long as its nonce may be valid, whatever comes in between', () => {
    const used = new UsedProofs();
    expect(used.use('a', 10)).toBe(true);
    expect(used.use('b', 10)).toBe(true);
    for (const slot of [10, 11, 12]) expect(used.use('a', slot)).toBe(false);
  });

  it('forgets proofs whose nonce has expired', () => {
    const used = new UsedProofs();
    used.use('a', 10);
    used.use('b', 13);
    expect(used.use('a', 13)).toBe(true);
  });

  it('recognises a proof after the clock went back', () => {
    const used = new UsedProofs();
    used.use('a', 10);
    expect(used.use('a', 9)).toBe(false);
  });

  it('forgets the oldest proofs in a flood, so that it does not grow', () => {
    const used = new UsedProofs();
    for (let index = 0; index <= 50_000; index += 1) used.use(String(index), 10);
    expect(used.use('1', 10)).toBe(false);
    expect(used.use('0', 10)).toBe(true);
  });
});

describe(proofId.name, () => {
  it('identifies a proof of a key in few bytes', () => {
    expect(proofId('key', 'j'.repeat(256))).toMatch(/^[\w-]{22}$/);
    expect(proofId('key', 'j')).toBe(proofId('key', 'j'));
    expect(new Set([proofId('key', 'j'), proofId('key', 'i'), proofId('yek', 'j')]).size).toBe(3);
  });
});
