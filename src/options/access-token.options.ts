import type { ClaimsSession, MakeClaims } from '../core/custom-claims.js';
import type { Duration } from '../core/duration.js';
import type { UserRecord } from '../core/ports.js';
import type { OptionReader } from './option-reader.js';

export interface AccessTokenOptions {
  /**
   * Life of an access token. Revocation ends it earlier; services that only verify signatures trust it this long.
   * @default '15m'
   */
  ttl?: Duration;
  /**
   * Shorter lives for sessions that began with an `appId`, such as `{ kiosk: '2m' }`. None may exceed `ttl`: the client
   * chooses its `appId`, and must gain nothing by it.
   * @default none: every application has the same
   */
  ttlByApp?: Readonly<Record<string, Duration>>;
  /**
   * Whether a rotation ends the access token of the generation before. Each costs one more write and one more entry of the
   * revocation feed. Requests under way with that token are then refused, those of other tabs included.
   * @default false
   */
  retirePrevious?: boolean;
  /**
   * Whether the access tokens of a session that is bound to a key are bound to it, too (`on` or `off`). Every request then
   * needs `Authorization: DPoP <token>` and a proof of its own in the header `DPoP`.
   * @default 'off'
   */
  senderConstraint?: 'off' | 'on';
  /**
   * Claims of your own, such as `({ fields }) => ({ tenantId: fields?.tenantId })`: guards put them on `request.user.claims`. Asked
   * at each login and refresh, which then wait for one more read of the session, and for the function for up to 3 s. It
   * returns an object that JSON can say, without the names of the library's claims. Roles and claims share about 5 kB: a
   * token of more than 8,192 characters is never made. Where the function fails, the request is refused with `INTERNAL`;
   * no session is lost.
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
    /** Null: there are none. */
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

/** None is longer than `ttl`: revocations are kept for that long. */
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
