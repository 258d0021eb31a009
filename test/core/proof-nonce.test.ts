import { describe, expect, it } from '@jest/globals';
import { currentNonces, nonceSlot, proofNonce } from '../../src/core/proof-nonce.js';

const T0 = Date.parse('2026-01-01T00:00:00Z');
const MINUTE = 60_000;
const OLD = Buffer.alloc(32, 1);
const NEW = Buffer.alloc(32, 2);

const isGood = (nonce: string, nowMs: number, keys: readonly Uint8Array[] = [NEW]) =>
  currentNonces(keys, nonceSlot(nowMs)).has(nonce);

describe('the nonce of proofs', () => {
  const madeAt = T0 + 30_000;
  const nonce = proofNonce(NEW, nonceSlot(madeAt));

  it('is valid until the slot after its own ends: for one to two minutes', () => {
    expect(isGood(nonce, madeAt)).toBe(true);
    expect(isGood(nonce, T0 + 2 * MINUTE - 1)).toBe(true);
    expect(isGood(nonce, T0 + 2 * MINUTE)).toBe(false);
    const atTheEnd = proofNonce(NEW, nonceSlot(T0 + MINUTE - 1));
    expect(isGood(atTheEnd, T0 + 2 * MINUTE - 1)).toBe(true);
  });

  it('is valid in a process whose clock is slightly behind, but not in one that is a slot behind', () => {
    expect(isGood(nonce, T0 - 1)).toBe(true);
    expect(isGood(nonce, T0 - MINUTE - 1)).toBe(false);
  });

  it('is valid under every key of the ring, so a key rotation refuses no client', () => {
    const ofOld = proofNonce(OLD, nonceSlot(madeAt));
    expect(isGood(ofOld, madeAt, [NEW, OLD])).toBe(true);
    expect(isGood(nonce, madeAt, [OLD, NEW])).toBe(true);
    expect(isGood(ofOld, madeAt, [NEW])).toBe(false);
  });

  it('has the syntax of RFC 9449 §8.1, and reveals neither time nor key', () => {
    expect(nonce).toMatch(/^[\w-]{22}$/);
    expect(proofNonce(NEW, nonceSlot(madeAt) + 1)).not.toBe(nonce);
    expect(proofNonce(OLD, nonceSlot(madeAt))).not.toBe(nonce);
    expect(Buffer.from(nonce, 'base64url').toString('latin1')).not.toContain(String(nonceSlot(madeAt)));
  });
});
