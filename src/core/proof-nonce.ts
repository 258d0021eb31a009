import { createHmac } from 'node:crypto';
import { MINUTE_MS } from './limits.js';

/** A nonce is valid in the slot in which it was made and in the next one: one to two minutes. */
const SLOT_MS = MINUTE_MS;
const NONCE_BYTES = 16;

/** The slot of a nonce that is made now. */
export function nonceSlot(nowMs: number): number {
  return Math.floor(nowMs / SLOT_MS);
}

/** The nonce of a slot. It is unpredictable without the key, and no store has to keep it. */
export function proofNonce(key: Uint8Array, slot: number): string {
  return createHmac('sha256', key).update(String(slot)).digest().toString('base64url', 0, NONCE_BYTES);
}

/**
 * Every nonce that is valid in a slot: those of this slot and the one before, under each key, so that a key rotation refuses
 * none. Also those of the next slot, which another process hands out if its clock is slightly ahead.
 */
export function currentNonces(keys: readonly Uint8Array[], slot: number): ReadonlySet<string> {
  return new Set(keys.flatMap((key) => [slot + 1, slot, slot - 1].map((each) => proofNonce(key, each))));
}
