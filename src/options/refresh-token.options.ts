import type { Duration } from '../core/duration.js';
import type { RefreshTokenStore } from '../core/refresh-token.store.js';
import type { OptionReader } from './option-reader.js';

/** Name of the refresh cookie, without its prefix. */
export const DEFAULT_COOKIE_NAME = 'refresh_token';

export interface RefreshTokenOptions {
  /**
   * How long a session may stay unused before it ends.
   * @default '7d'
   */
  idleTtl?: Duration;
  /**
   * How long after its login a session ends, even if it is used.
   * @default '30d'
   */
  absoluteTtl?: Duration;
  /**
   * The idle lifetime of a session that began with `rememberMe: false`, at most `idleTtl`. Its cookies end with the browser.
   * @default '12h'
   */
  shortIdleTtl?: Duration;
  /**
   * Whether each refresh renews the idle lifetime; with `false` it starts only at login.
   * @default true
   */
  sliding?: boolean;
  /**
   * How long a replaced refresh token still gets the current token, for races and retries; `0` disables it.
   * @default '10s'
   */
  gracePeriod?: Duration;
  /**
   * How long a lost response to a refresh can be recovered, for clients that send no attempts; `0` disables recovery. Within
   * this time the previous refresh token still gets a new one, if the token that replaced it was not used.
   * @default the idle lifetime
   */
  lostResponseWindow?: Duration;
  /**
   * What happens after a detected reuse: `revoke` ends the session, `report` (shadow mode) only refuses the request. The event
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
   * Whether a client may request the refresh token in the response body (mobile and server clients).
   * @default false
   */
  allowBodyTransport?: boolean;
  /**
   * Whether a server may refresh on behalf of a browser (`relay: true`, server-side rendering). The use of such an access token
   * does not prove that the browser received the new cookie.
   * @default false
   */
  allowRelay?: boolean;
  /**
   * Whether sessions are bound to a key of their client (DPoP, RFC 9449): `off` binds none, `optional` binds those whose login
   * has a proof in the header `DPoP`, `required` refuses a login without one. A bound session stays bound, even if the option
   * changes later: refresh, logout and change of password need proofs of its key.
   * @default 'optional'
   */
  senderConstraint?: 'off' | 'optional' | 'required';
  /**
   * Whether sessions in cookie transport are bound to a key that the browser keeps (Device Bound Session Credentials, a W3C
   * draft; Chromium): `optional` offers it at each login over a `Secure` cookie. After its first refresh, only that browser can
   * refresh a bound session; sessions of other browsers are not affected. `off` neither offers nor requires it.
   * @default 'off'
   */
  deviceBound?: 'off' | 'optional';
  cookie?: CookieOptions;
  /**
   * Keeps sessions in a store other than the library's own `refresh_tokens` collection, such as an SQL database.
   * @default the `refresh_tokens` collection on your application's connection
   */
  store?: RefreshTokenStore;
}

/** The refresh cookie. The defaults give `__Host-refresh_token; HttpOnly; Secure; SameSite=Strict; Path=/`. */
export interface CookieOptions {
  /**
   * Name of the refresh cookie, to which `__Host-` or `__Secure-` is added. Browsers share cookies between ports: give each
   * service on a host, also on `localhost`, its own name. The readable cookie `<name>_hint=1`, without a prefix, has the same
   * lifetime; it tells the client, without a request, that there may be a session.
   * @default 'refresh_token'
   */
  name?: string;
  /**
   * `Domain` of the refresh cookie: subdomains then receive it, and it loses the `__Host-` prefix.
   * @default none: the exact host
   */
  domain?: string;
  /**
   * `Path` of the refresh cookie: with a narrower path it loses the `__Host-` prefix.
   * @default '/'
   */
  path?: string;
  /**
   * `Secure` of the refresh cookie: browsers then send it over HTTPS only. Disable it only for plain HTTP in development.
   * @default true
   */
  secure?: boolean;
  /**
   * `SameSite` of the refresh cookie: `strict`, `lax` or `none`. Use `lax` for a server that renders pages after a click on
   * another site, `none` for an SPA on another site.
   * @default 'strict'
   */
  sameSite?: 'strict' | 'lax' | 'none';
  /**
   * `Partitioned` of the refresh cookie (CHIPS): a front end that other sites embed then has a separate session in each of
   * them. Browsers require `secure`, and `sameSite: 'none'` for a frame on another site.
   * @default false
   */
  partitioned?: boolean;
}

export function readRefreshToken(read: OptionReader<RefreshTokenOptions>) {
  const idleTtlMs = read.duration('idleTtl', '7d');
  return {
    idleTtlMs,
    absoluteTtlMs: read.duration('absoluteTtl', '30d'),
    /** For sessions that end with the browser. */
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

/** Reads `deviceBound` together with the options that it depends on. */
function readDeviceBound(read: OptionReader<RefreshTokenOptions>) {
  const deviceBound = read.choice('deviceBound', 'off', ['off', 'optional']);
  const cookie = readCookie(read.group('cookie'));
  /** Null: the library's MongoDB store. */
  const store = readStore(read);
  if (deviceBound === 'optional' && store && !store.bindDevice)
    read.refuse('deviceBound', 'needs a refreshToken.store with bindDevice: give it one, or leave this out');
  if (deviceBound === 'optional' && cookie.partitioned)
    read.refuse(
      'deviceBound',
      'browsers bind no Partitioned cookie: leave out this or refreshToken.cookie.partitioned',
    );
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

/** A cookie name (RFC 6265 §4.1.1) without a prefix such as `__Host-`, and not the name of the library's device cookie. */
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
    read.refuse('partitioned', 'browsers refuse Partitioned without Secure: set refreshToken.cookie.secure');
  if (resolved.sameSite === 'none' && !resolved.secure)
    read.refuse('sameSite', 'browsers refuse SameSite=None without Secure: set refreshToken.cookie.secure');
  return resolved;
}

type OptionalMethod = 'readTime' | 'bindDevice' | 'recordProof';

/** The required methods of a store. A record, so that the compiler reports a method that is missing here. */
const STORE_METHODS: Readonly<Record<Exclude<keyof RefreshTokenStore, OptionalMethod>, true>> = {
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
