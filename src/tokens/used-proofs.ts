import { createHash } from 'node:crypto';

/** Beyond it the oldest is forgotten; only holders of a session's key can add one. */
const MAX_PER_SLOT = 50_000;
/** A proof is good for no more slots than these before the current one. */
const SLOTS_BEFORE = 2;

/** The proofs that this process has accepted while their nonces are good (RFC 9449 §11.1). */
export class UsedProofs {
  private readonly bySlot = new Map<number, Set<string>>();

  /** Whether a proof was not used before; from now on it was. */
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

/** Names one proof of one key; short, whatever the client chose as its `jti`. */
export function proofId(jkt: string, jti: string): string {
  return createHash('sha256').update(`${jkt}.${jti}`).digest().toString('base64url', 0, 16);
}
