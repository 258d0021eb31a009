import { createHmac } from 'node:crypto';
import { MINUTE_MS } from './limits.js';

/** A nonce is good in the slot in which it was made and in the next one: for one to two minutes. */
const SLOT_MS = MINUTE_MS;
const NONCE_BYTES = 16;

/** The slot of a nonce that is made now. */
export function nonceSlot(nowMs: number): number {
  return Math.floor(nowMs / SLOT_MS);
}

/** The nonce of a slot: nobody can tell it without the key, and no store has to remember it. */
export function proofNonce(key: Uint8Array, slot: number): string {
  return createHmac('sha256', key).update(String(slot)).digest().toString('base64url', 0, NONCE_BYTES);
}

/**
 * Every nonce that is good in a slot: of it and the one before, under each key, so that a rotation of keys refuses none. Also
 * of the next one, which another process hands out if its clock is a moment ahead.
 */
export function currentNonces(keys: readonly Uint8Array[], slot: number): ReadonlySet<string> {
  return new Set(keys.flatMap((key) => [slot + 1, slot, slot - 1].map((each) => proofNonce(key, each))));
}
