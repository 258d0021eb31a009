import type { Duration } from '../core/duration.js';
import type { OptionReader } from './option-reader.js';

/** Maximum number of attempts in any period as long as `window`; more attempts get 429 with `Retry-After`. */
export interface LimitOptions {
  readonly limit: number;
  readonly window: Duration;
}

/** A device that logged in to an account before has its own count: failures of others never lock it out. */
export interface ThrottleOptions {
  /**
   * Logins, registrations, changes of password and uses of mailed links from one address. Each known device has its own
   * limit of this size, and all known devices on one address share a limit five times as large.
   * @default { limit: 20, window: '1m' }
   */
  login?: LimitOptions;
  /**
   * Wrong passwords for one account from one address, at a login or a change of password.
   * @default { limit: 10, window: '15m' }
   */
  failures?: LimitOptions;
  /**
   * Wrong passwords for one account from all unknown devices (NIST SP 800-63B-4: at most 100). Devices that logged in before
   * the last change of password, or before the last end of all sessions, share a separate limit of the same size.
   * @default { limit: 100, window: '15m' }
   */
  accountFailures?: LimitOptions;
  /**
   * Mails of one kind that anybody can cause for one account; further mails are not sent, and the response stays the same. The
   * kinds are password-reset links, links to verify an address, and messages that an address is taken. With a window of
   * more than eight minutes, a user may have to wait without a valid link.
   * @default { limit: 3, window: '8m' }
   */
  mails?: LimitOptions;
  /**
   * The same mails of all kinds together. An attacker who uses the limit up keeps the user from getting a link until the window
   * ends; the user can still log in.
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
