import { createHash } from 'node:crypto';

/** Beyond this limit the oldest is dropped. Only holders of a session's key can add one. */
const MAX_PER_SLOT = 50_000;
/** Number of past slots whose proofs must be kept, because their nonces may still be valid. */
const SLOTS_BEFORE = 2;

/** The proofs that this process accepted and whose nonces are still valid (RFC 9449 §11.1). */
export class UsedProofs {
  private readonly bySlot = new Map<number, Set<string>>();

  /** Marks a proof as used; returns false if it was used before. */
  use(id: string, slot: number): boolean {
    for (const other of this.bySlot.keys()) if (other < slot - SLOTS_BEFORE) this.bySlot.delete(other);
    for (const used of this.bySlot.values()) if (used.has(id)) return false;
    const used = this.bySlot.get(slot) ?? new Set();
    this.bySlot.set(slot, used);
    const [oldest] = used;
    if (used.size >= MAX_PER_SLOT && oldest !== undefined) used.delete(oldest);
    used.add(id);
    return true;
  }
}

/** A short id for one proof of one key, whatever length the client chose for its `jti`. */
export function proofId(jkt: string, jti: string): string {
  return createHash('sha256').update(`${jkt}.${jti}`).digest().toString('base64url', 0, 16);
}
