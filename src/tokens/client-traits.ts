import type { EventSource } from '../core/events.js';
import type { RecentUse } from '../core/refresh-token.store.js';
import type { PresentedDevice } from '../risk/device-token.js';
import type { ProofCheck } from './proof-verifier.js';
import { usedAgent } from './recent-use.js';

/** The sender of a request, as sessions and the throttle see it. */
export interface ClientTraits {
  /** Empty if there is no request, for example in a script. */
  readonly ip: string;
  /** At most 256 characters; absent or null if there is none. */
  readonly userAgent?: string | null;
  /** The request's fingerprint under each key of the ring; absent or empty if there is none. */
  readonly fingerprints?: readonly string[];
  /** The device cookie, not yet checked against an account. */
  readonly device?: PresentedDevice | null;
  /** The proof in the header `DPoP`; absent if the request has none. */
  readonly proof?: RequestProof;
  /** Evidence for a device-bound session; absent if `refreshToken.deviceBound` is off. */
  readonly deviceProof?: DeviceEvidence;
  /** Whether the client has closed the connection. If so, a refresh is neither rotated nor judged. */
  readonly hasHungUp?: () => boolean;
}

/** What shows that a request comes from the browser to which its session is bound. */
export interface DeviceEvidence {
  /** The values of the bound cookie. */
  readonly cookies: readonly string[];
  /** The header `Secure-Session-Skipped`: why the browser sent no proof; null without the header. */
  readonly skipped: string | null;
}

/** The proof of possession of a request: verified once, at the first call. */
export type RequestProof = () => ProofCheck;

/** What a session stores about a request. */
export function useOf(
  { ip, userAgent = null }: ClientTraits,
  at: Date,
  proof: string | null = null,
): RecentUse {
  return { ip, userAgent: usedAgent(userAgent), at, ...(proof === null ? {} : { proof }) };
}

/** What an event says about the sender of a request. */
export function eventSource({ ip, userAgent = null }: Pick<ClientTraits, 'ip' | 'userAgent'>): EventSource {
  return { ip, userAgent };
}

/** The client's fingerprint under each key of the ring. */
export function fingerprintsOf({ fingerprints = [] }: ClientTraits): readonly string[] {
  return fingerprints;
}
