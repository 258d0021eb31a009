import type { ClaimsSession, MakeClaims } from '../core/custom-claims.js';
import type { Duration } from '../core/duration.js';
import type { UserRecord } from '../core/ports.js';
import type { OptionReader } from './option-reader.js';

export interface AccessTokenOptions {
  /**
   * Lifetime of an access token. Revocation ends it earlier; services that only verify signatures trust it for this whole time.
   * @default '15m'
   */
  ttl?: Duration;
  /**
   * Shorter lifetimes for sessions that began with an `appId`, such as `{ kiosk: '2m' }`. None may exceed `ttl`, because a
   * client chooses its own `appId`.
   * @default none: every application has the same lifetime
   */
  ttlByApp?: Readonly<Record<string, Duration>>;
  /**
   * Whether a rotation revokes the access token of the previous generation. Each revocation costs one more write and one more
   * entry in the revocation feed. Pending requests with the old token, also those of other tabs, are then refused.
   * @default false
   */
  retirePrevious?: boolean;
  /**
   * Whether the access tokens of a session that is bound to a key are also bound to that key (`on` or `off`). Every request
   * then needs `Authorization: DPoP <token>` and its own proof in the header `DPoP`.
   * @default 'off'
   */
  senderConstraint?: 'off' | 'on';
  /**
   * Your own claims, such as `({ fields }) => ({ tenantId: fields?.tenantId })`; guards put them on `request.user.claims`. The
   * function runs at each login and refresh. A refresh then needs one more read of the session, and waits up to 3 s. It returns an
   * object of JSON values without the names of the library's claims. Roles and claims share about 5 kB: a token of more than
   * 8,192 characters is not issued. If the function fails, the request is refused with `INTERNAL`, and no session is lost.
   * @default none
   */
  claims?(user: UserRecord, session: ClaimsSession): object | Promise<object>;
}

export function readAccessToken(read: OptionReader<AccessTokenOptions>) {
  const ttlMs = read.duration('ttl', '15m');
  return {
    ttlMs,
    /** By `appId`. */
    ttlByAppMs: readLives(read, ttlMs),
    retirePrevious: read.flag('retirePrevious', false),
    senderConstraint: read.choice('senderConstraint', 'off', ['off', 'on']),
    /** Null: no function was given. */
    claims: readClaims(read),
  };
}

function readClaims(read: OptionReader<AccessTokenOptions>): MakeClaims | null {
  const given = read.given('claims');
  if (given === undefined) return null;
  if (typeof given === 'function') return given as MakeClaims;
  read.refuse('claims', 'give a function of the user and the session, or leave it out');
  return null;
}

/** None may exceed `ttl`, because revocations are kept for that long. */
function readLives(read: OptionReader<AccessTokenOptions>, ttlMs: number): ReadonlyMap<string, number> {
  const given = read.given('ttlByApp');
  if (given === undefined) return new Map();
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    read.refuse('ttlByApp', "give an object of lives by appId, such as { kiosk: '2m' }");
    return new Map();
  }
  const lives = read.record('ttlByApp');
  return new Map(
    Object.keys(given).map((appId) => {
      const lifeMs = lives.duration(appId, '1m');
      if (lifeMs > ttlMs) lives.refuse(appId, 'give at most accessToken.ttl');
      return [appId, lifeMs];
    }),
  );
}
