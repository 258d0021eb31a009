import type { RingKey } from './key-spec.js';

/** Two random secrets do not share a run of this many bytes. */
const SHARED_BYTES = 16;

/** Whether two HMAC secrets have a long part in common: a holder of one then knows much of the other. */
export function areRelated(one: RingKey, other: RingKey): boolean {
  const secrets = [secretOf(one), secretOf(other)] as const;
  if (secrets[0] === null || secrets[1] === null) return false;
  const parts = new Set(partsOf(secrets[0]));
  return partsOf(secrets[1]).some((part) => parts.has(part));
}

/** Null for keys that are not HMAC secrets. */
export function secretOf({ signingKey }: RingKey): Buffer | null {
  return signingKey?.type === 'secret' ? signingKey.export() : null;
}

function partsOf(secret: Buffer): string[] {
  const count = Math.max(0, secret.length - SHARED_BYTES + 1);
  return Array.from({ length: count }, (_, start) => secret.toString('hex', start, start + SHARED_BYTES));
}
