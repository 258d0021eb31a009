import { browserFamily } from './fingerprint.js';
import { CLIENT_NETWORK, networkOf } from './network.js';
import type { RevocationReason } from './rotation.js';

/** From where an account logged in. */
export interface LoginTraits {
  readonly ip: string;
  readonly userAgent: string | null;
  /** What a client in body transport calls its device; null where it said nothing. */
  readonly deviceId: string | null;
}

/**
 * Whether the account has logged in from the same place before, although no cookie shows it. The same `deviceId` is the
 * same device. Otherwise the same network and the same browser on the same platform count as known: people clear cookies
 * and use private windows, and users who get a mail at each such login learn to ignore it. A browser update, another
 * address of the same network, or a changed language alone is not a new device. The price: a stranger next door, in the
 * same network with the same browser, is not reported.
 */
export function isFamiliarLogin(login: LoginTraits, earlier: readonly LoginTraits[]): boolean {
  const network = networkOf(login.ip, CLIENT_NETWORK);
  const family = browserFamily(login.userAgent);
  return earlier.some(
    ({ ip, userAgent, deviceId }) =>
      (deviceId !== null && deviceId === login.deviceId) ||
      (network !== null && networkOf(ip, CLIENT_NETWORK) === network && browserFamily(userAgent) === family),
  );
}

/**
 * Whether a login without any remembered session before it is the account's first, which is no news to anybody. Sessions,
 * ended ones too, are remembered for `memoryMs` at least, so an account that is younger had none. Of an older one nobody
 * knows.
 */
export function isFirstLogin(accountCreatedAt: Date, loginAt: Date, memoryMs: number): boolean {
  return loginAt.getTime() - accountCreatedAt.getTime() < memoryMs;
}

/**
 * Whether an ended session makes its device familiar. A session that was ended by its user, a change of password or a
 * suspicion does not: it may have been a stranger's.
 */
export function vouches(revokedReason: RevocationReason | null): boolean {
  return revokedReason === null || HARMLESS.has(revokedReason);
}

const HARMLESS: ReadonlySet<RevocationReason> = new Set<RevocationReason>([
  'logged_out',
  'evicted',
  'replaced',
]);
