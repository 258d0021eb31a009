import type { Duration } from '../core/duration.js';
import type { OptionReader } from './option-reader.js';

/** How many attempts may come in any span of time as long as the window; beyond it 429 with `Retry-After`. */
export interface LimitOptions {
  readonly limit: number;
  readonly window: Duration;
}

/** A device that has logged in to an account before is counted on its own: failures of others never lock it out. */
export interface ThrottleOptions {
  /**
   * Logins, registrations, changes of password and uses of mailed links from one address. A known device has this limit
   * for itself, and all known devices of an address five times as much.
   * @default { limit: 20, window: '1m' }
   */
  login?: LimitOptions;
  /**
   * Wrong passwords for one account from one address, at a login or a change of password.
   * @default { limit: 10, window: '15m' }
   */
  failures?: LimitOptions;
  /**
   * Wrong passwords for one account from all unknown devices (NIST SP 800-63B-4: at most 100). The same limit holds for all
   * devices together that logged in before the user's password was changed or all their sessions were ended.
   * @default { limit: 100, window: '15m' }
   */
  accountFailures?: LimitOptions;
  /**
   * Mail of each kind that strangers can cause for one account; beyond it none is sent, and the answer is the same. The kinds
   * are links for a new password, links to verify an address, and news that it is taken. A window longer than eight minutes
   * may leave the user without a link that still works.
   * @default { limit: 3, window: '8m' }
   */
  mails?: LimitOptions;
  /**
   * The same mail of all kinds together. A stranger who uses it up keeps the user from a link until the window ends; they can
   * still log in.
   * @default { limit: 10, window: '1d' }
   */
  dailyMails?: LimitOptions;
  /**
   * Refreshes of one session from one address, and forged refresh tokens from one address, counted in each process.
   * @default { limit: 300, window: '1m' }
   */
  refresh?: LimitOptions;
}

export interface ResolvedLimit {
  readonly limit: number;
  readonly windowMs: number;
}

export function readThrottle(read: OptionReader<ThrottleOptions>) {
  return {
    login: readLimit(read.group('login'), 20, '1m'),
    failures: readLimit(read.group('failures'), 10, '15m'),
    accountFailures: readLimit(read.group('accountFailures'), 100, '15m'),
    mails: readLimit(read.group('mails'), 3, '8m'),
    dailyMails: readLimit(read.group('dailyMails'), 10, '1d'),
    refresh: readLimit(read.group('refresh'), 300, '1m'),
  };
}

function readLimit(read: OptionReader<LimitOptions>, limit: number, window: string): ResolvedLimit {
  return {
    limit: read.integer('limit', limit, { min: 1, max: 1_000_000 }),
    windowMs: read.duration('window', window),
  };
}
