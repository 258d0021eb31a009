import type { Duration } from '../core/duration.js';
import type { RefreshTokenStore } from '../core/refresh-token.store.js';
import type { OptionReader } from './option-reader.js';

/** Of the refresh cookie, before its prefix. */
export const DEFAULT_COOKIE_NAME = 'refresh_token';

export interface RefreshTokenOptions {
  /**
   * How long a session may go unused before it ends.
   * @default '7d'
   */
  idleTtl?: Duration;
  /**
   * How long after its login a session ends, however much it is used.
   * @default '30d'
   */
  absoluteTtl?: Duration;
  /**
   * The idle life of a session that began with `rememberMe: false`, at most `idleTtl`. Its cookies end with the browser.
   * @default '12h'
   */
  shortIdleTtl?: Duration;
  /**
   * Whether a refresh renews the idle life; `false` gives a session the idle life once, at login.
   * @default true
   */
  sliding?: boolean;
  /**
   * How long after its replacement a refresh token still gets the current token: races and retries; `0` is no time at all.
   * @default '10s'
   */
  gracePeriod?: Duration;
  /**
   * How long the response to a refresh can be recovered if it was lost, for clients that send no attempts; `0` turns the
   * recovery off. Until then the last refresh token still gets a new one, if nobody has used the one that replaced it.
   * @default the idle life
   */
  lostResponseWindow?: Duration;
  /**
   * What a detected reuse does: `revoke` ends the session, `report` (shadow mode) only refuses the request. The event
   * `refresh_token.reuse_detected` names the sessions that `report` would have ended.
   * @default 'revoke'
   */
  reuse?: 'revoke' | 'report';
  /**
   * What a detected reuse ends: the `session`, or every session of the `user`.
   * @default 'session'
   */
  reuseScope?: 'session' | 'user';
  /**
   * Whether a client may ask for the refresh token in the response body (mobile and server clients).
   * @default false
   */
  allowBodyTransport?: boolean;
  /**
   * Whether a refresh may say that it comes from a server on behalf of a browser (`relay: true`, server-side rendering): the use of
   * its access token does not prove that the browser received the new cookie.
   * @default false
   */
  allowRelay?: boolean;
  /**
   * Whether sessions are bound to a key of their client (DPoP, RFC 9449): `off` binds none, `optional` those that begin with a
   * proof in the header `DPoP`, `required` refuses a login without one. A bound session stays bound for its life: refresh,
   * logout and change of password need proofs of its key, whatever the option says later.
   * @default 'optional'
   */
  senderConstraint?: 'off' | 'optional' | 'required';
  /**
   * Whether sessions in cookie transport are bound to a key that the browser keeps (Device Bound Session Credentials, a W3C draft;
   * Chromium): `optional` offers it at each login over a `Secure` cookie. From its first refresh on, a bound session is
   * refreshed by that browser only; sessions of other browsers are as before. `off` offers nothing and asks for nothing.
   * @default 'off'
   */
  deviceBound?: 'off' | 'optional';
  cookie?: CookieOptions;
  /**
   * Keeps sessions elsewhere than in the library's own `refresh_tokens` collection, such as in an SQL database.
   * @default the `refresh_tokens` collection on the host's connection
   */
  store?: RefreshTokenStore;
}

/** The refresh cookie. The defaults give `__Host-refresh_token; HttpOnly; Secure; SameSite=Strict; Path=/`. */
export interface CookieOptions {
  /**
   * Name of the refresh cookie, to which `__Host-` or `__Secure-` is added. Cookies know no ports: give each service on a
   * host, `localhost` included, a name of its own. The readable cookie `<name>_hint=1`, without a prefix, lives as long.
   * @default 'refresh_token'
   */
  name?: string;
  /**
   * `Domain` of the refresh cookie: subdomains then receive it, and the `__Host-` prefix is lost.
   * @default none: the exact host
   */
  domain?: string;
  /**
   * `Path` of the refresh cookie: a narrower one loses the `__Host-` prefix.
   * @default '/'
   */
  path?: string;
  /**
   * `Secure` of the refresh cookie: browsers then send it over HTTPS only. Turn it off only for plain HTTP in development.
   * @default true
   */
  secure?: boolean;
  /**
   * `SameSite` of the refresh cookie: `strict`, `lax` or `none`. `lax` suits a server that renders pages after a click from
   * another site; `none` an SPA on another site.
   * @default 'strict'
   */
  sameSite?: 'strict' | 'lax' | 'none';
  /**
   * `Partitioned` of the refresh cookie: a front end that other sites embed then has a session of its own in each of them
   * (CHIPS). Browsers want `secure`, and `sameSite: 'none'` for a frame on another site.
   * @default false
   */
  partitioned?: boolean;
}

export function readRefreshToken(read: OptionReader<RefreshTokenOptions>) {
  const idleTtlMs = read.duration('idleTtl', '7d');
  return {
    idleTtlMs,
    absoluteTtlMs: read.duration('absoluteTtl', '30d'),
    /** Of a session that ends with the browser. */
    shortIdleTtlMs: readShortIdleTtl(read, idleTtlMs),
    sliding: read.flag('sliding', true),
    gracePeriodMs: read.duration('gracePeriod', '10s', { minMs: 0 }),
    lostResponseWindowMs:
      read.given('lostResponseWindow') === undefined
        ? idleTtlMs
        : read.duration('lostResponseWindow', '7d', { minMs: 0 }),
    reuse: read.choice('reuse', 'revoke', ['revoke', 'report']),
    reuseScope: read.choice('reuseScope', 'session', ['session', 'user']),
    allowBodyTransport: read.flag('allowBodyTransport', false),
    allowRelay: read.flag('allowRelay', false),
    senderConstraint: read.choice('senderConstraint', 'optional', ['off', 'optional', 'required']),
    ...readDeviceBound(read),
  };
}

/** What a bound session needs beside the option. */
function readDeviceBound(read: OptionReader<RefreshTokenOptions>) {
  const deviceBound = read.choice('deviceBound', 'off', ['off', 'optional']);
  const cookie = readCookie(read.group('cookie'));
  /** Null: in MongoDB. */
  const store = readStore(read);
  if (deviceBound === 'optional' && store && !store.bindDevice)
    read.refuse('deviceBound', 'needs a refreshToken.store with bindDevice: give it one, or leave this out');
  if (deviceBound === 'optional' && cookie.partitioned)
    read.refuse('deviceBound', 'browsers bind no Partitioned cookie: leave out this or cookie.partitioned');
  return { deviceBound, cookie, store };
}

function readShortIdleTtl(read: OptionReader<RefreshTokenOptions>, idleTtlMs: number): number {
  const shortMs = read.duration('shortIdleTtl', '12h');
  if (read.given('shortIdleTtl') === undefined) return Math.min(shortMs, idleTtlMs);
  if (shortMs > idleTtlMs) read.refuse('shortIdleTtl', 'give at most refreshToken.idleTtl');
  return shortMs;
}

export interface ResolvedCookieOptions {
  readonly name: string;
  readonly domain: string | null;
  readonly path: string;
  readonly secure: boolean;
  readonly sameSite: 'strict' | 'lax' | 'none';
  readonly partitioned: boolean;
}

/** A token (RFC 6265 §4.1.1) that begins with no prefix, of which more may come, and is no other cookie of the library. */
const COOKIE_NAME = /^(?!__|device$)[\w!#$%&'*+.^`|~-]{1,64}$/i;

function readCookie(read: OptionReader<CookieOptions>): ResolvedCookieOptions {
  const resolved = {
    name: read.text(
      'name',
      DEFAULT_COOKIE_NAME,
      COOKIE_NAME,
      "give a name such as 'refresh_token', without a prefix",
    ),
    domain: read.text('domain', null, /^\.?[a-z0-9.-]+$/i, "give a host name such as 'example.com'"),
    path: read.text('path', '/', /^\/[^;,\s]*$/, "give a path such as '/' or '/auth'"),
    secure: read.flag('secure', true),
    sameSite: read.choice('sameSite', 'strict', ['strict', 'lax', 'none']),
    partitioned: read.flag('partitioned', false),
  };
  if (resolved.partitioned && !resolved.secure)
    read.refuse('partitioned', 'browsers refuse Partitioned without Secure: set cookie.secure');
  if (resolved.sameSite === 'none' && !resolved.secure)
    read.refuse('sameSite', 'browsers refuse SameSite=None without Secure: set cookie.secure');
  return resolved;
}

/** What a store must have. A record, so that the compiler asks for each method of the port. */
const STORE_METHODS: Readonly<Record<Exclude<keyof RefreshTokenStore, 'readTime' | 'bindDevice'>, true>> = {
  newId: true,
  create: true,
  rotate: true,
  reissue: true,
  findById: true,
  findLive: true,
  hasDevice: true,
  findLogins: true,
  countLive: true,
  findEndedLogins: true,
  confirm: true,
  recordSharedUse: true,
  recordAuthentication: true,
  replaceFingerprint: true,
  removeOfUser: true,
  revoke: true,
};

function readStore(read: OptionReader<RefreshTokenOptions>): RefreshTokenStore | null {
  const given = read.supplied('store');
  if (given === null) return null;
  const members = Object(given) as Partial<Record<string, unknown>>;
  const missing = Object.keys(STORE_METHODS).filter((name) => typeof members[name] !== 'function');
  if (missing.length === 0) return given;
  read.refuse('store', `give a RefreshTokenStore; it has no ${missing.join(', ')}`);
  return null;
}
