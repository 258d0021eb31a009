import { browserFamily } from './fingerprint.js';
import { CLIENT_NETWORK, networkOf } from './network.js';
import type { RevocationReason } from './rotation.js';

/** Where and on which device an account logged in. */
export interface LoginTraits {
  readonly ip: string;
  readonly userAgent: string | null;
  /** The device id that a client in body transport sent; null if it sent none. */
  readonly deviceId: string | null;
}

/**
 * Whether the account has logged in from the same place before, although no cookie shows it. The same `deviceId` means the
 * same device. The same network with the same browser on the same platform also counts as known: people clear cookies and
 * use private windows, and users who get a mail at each such login learn to ignore it. A browser update, another address in
 * the same network or a changed language is not a new device. The price: a login by somebody else in the same network with
 * the same browser is not reported.
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
 * Whether a login of an account without remembered sessions is its first one, which needs no notification. Sessions, also
 * ended ones, are remembered for at least `memoryMs`, so a younger account had none. About an older account we cannot know.
 */
export function isFirstLogin(accountCreatedAt: Date, loginAt: Date, memoryMs: number): boolean {
  return loginAt.getTime() - accountCreatedAt.getTime() < memoryMs;
}

/**
 * Whether an ended session makes its device familiar. A session that was ended by its user, a change of password or a
 * suspicion does not: it may have been an attacker's.
 */
export function vouches(revokedReason: RevocationReason | null): boolean {
  return revokedReason === null || HARMLESS.has(revokedReason);
}

const HARMLESS: ReadonlySet<RevocationReason> = new Set<RevocationReason>([
  'logged_out',
  'evicted',
  'replaced',
]);
