import type { EventSource } from '../core/events.js';
import type { RecentUse } from '../core/refresh-token.store.js';
import type { PresentedDevice } from '../risk/device-token.js';
import type { ProofCheck } from './proof-verifier.js';
import { usedAgent } from './recent-use.js';

/** The sender of a request, as sessions and the throttle see them. */
export interface ClientTraits {
  /** Empty where no request asks: a script. */
  readonly ip: string;
  /** At most 256 characters; absent or null where there is none. */
  readonly userAgent?: string | null;
  /** The request's fingerprint under each key of the ring; absent or empty where there is none. */
  readonly fingerprints?: readonly string[];
  /** The device cookie, not yet checked against an account. */
  readonly device?: PresentedDevice | null;
  /** Of the header `DPoP`; absent where the request has none. */
  readonly proof?: RequestProof;
  /** Of a device-bound session; absent where `refreshToken.deviceBound` is off. */
  readonly deviceProof?: DeviceEvidence;
  /** Whether the client has closed the connection meanwhile: a refresh of such a client is neither rotated nor judged. */
  readonly hasHungUp?: () => boolean;
}

/** What shows that a request comes from the browser to which its session is bound. */
export interface DeviceEvidence {
  /** The values of the bound cookie. */
  readonly cookies: readonly string[];
  /** `Secure-Session-Skipped`: why the browser has not proved itself; null without one. */
  readonly skipped: string | null;
}

/** The proof of possession of a request: verified when it is first asked for, and once. */
export type RequestProof = () => ProofCheck;

/** What a session keeps of a request. */
export function useOf(
  { ip, userAgent = null }: ClientTraits,
  at: Date,
  proof: string | null = null,
): RecentUse {
  return { ip, userAgent: usedAgent(userAgent), at, ...(proof === null ? {} : { proof }) };
}

/** What an event keeps of it. */
export function eventSource({ ip, userAgent = null }: Pick<ClientTraits, 'ip' | 'userAgent'>): EventSource {
  return { ip, userAgent };
}

/** Its fingerprint under each key of the ring. */
export function fingerprintsOf({ fingerprints = [] }: ClientTraits): readonly string[] {
  return fingerprints;
}
