import type { KnownDevice } from '../core/device-token.js';
import type { EventSource } from '../core/events.js';
import { usedAgent } from '../core/recent-use.js';
import type { RecentUse } from './refresh-token.store.js';

/** Who sent a request, as far as a session cares. */
export interface ClientTraits {
  readonly ip: string;
  /** At most 256 characters. */
  readonly userAgent: string | null;
  /** The request's fingerprint under each key of the ring. */
  readonly fingerprints: readonly string[];
  /** What the device says of itself by its cookie, to be checked against the account. */
  readonly device?: KnownDevice | null;
}

/** What a session remembers of a request. */
export function useOf({ ip, userAgent }: ClientTraits, at: Date): RecentUse {
  return { ip, userAgent: usedAgent(userAgent), at };
}

/** What an event tells of it. */
export function sourceOf({ ip, userAgent }: ClientTraits): EventSource {
  return { ip, userAgent };
}
