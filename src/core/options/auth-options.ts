import type { AnomalyRule } from '../anomaly.js';
import type { Duration } from '../duration.js';
import type { FingerprintFeature } from '../fingerprint.js';
import type { KeyInput } from '../key-spec.js';
import type { BreachChecker, Clock, Mailer, PasswordHasher, RevocationStore, UserStore } from '../ports.js';

/** Options of `AuthModule.forRoot` and of the factory of `forRootAsync`. Durations are `'15m'` or seconds. */
export interface AuthOptions {
  /** URL of this service: the `iss` of every token; a token of another issuer is refused. */
  issuer: string;
  /**
   * The `aud` of access tokens; a token for another audience is refused.
   * @default the issuer
   */
  audience?: string;
  keys: KeyOptions;
  accessToken?: AccessTokenOptions;
  refreshToken?: RefreshTokenOptions;
  sessions?: SessionOptions;
  revocation?: RevocationOptions;
  fingerprint?: FingerprintOptions;
  anomaly?: AnomalyOptions;
  password?: PasswordOptions;
  /**
   * How often a client may try; `false` turns it off.
   */
  throttle?: false | ThrottleOptions;
  /**
   * The audit log, in the collections `security_events` and `security_daily` of the host's connection; `false` keeps none.
   */
  audit?: false | AuditOptions;
  /**
   * Whether `DoctorService` looks once at boot, in the background, for what is wrong with the configuration, the database
   * and the application around it, and logs each finding with its mend.
   * @default true
   */
  doctor?: boolean;
  /**
   * Origins (`https://app.example.com`) other than the service's own whose pages may use the routes that read or set
   * the refresh cookie.
   * @default []
   */
  trustedOrigins?: readonly string[];
  /**
   * Services that may ask about tokens and revoke them, at `introspect` (RFC 7662) and `revoke` (RFC 7009). Without any,
   * both routes answer 404.
   * @default []
   */
  introspectionClients?: readonly IntrospectionClient[];
  /**
   * Keeps users elsewhere than in the library's own `users` collection.
   * @default the `users` collection on the host's connection
   */
  userStore?: UserStore;
  /**
   * Sends mail to users: of a login on a new device, suspicious activity, a changed password, and links to set a new
   * password. Off the path of requests, none of which fails or waits by it. Without one `forgot-password`, `reset-password`
   * and `verify-email` answer 404.
   * @default none: nobody is told
   */
  mailer?: Mailer;
  /**
   * Whether a user must open a link out of his mail before he can log in. `required` needs a `mailer`: a registration
   * then answers 202 without tokens, alike whether or not the address is taken. Users that are there when it is switched on
   * get their link at their next login; their sessions go on.
   * @default 'off'
   */
  emailVerification?: 'off' | 'required';
  /**
   * Time for every expiry and grace decision.
   * @default a monotonic clock anchored to the database's time
   */
  clock?: Clock;
}

/** The credentials of a service at the OAuth endpoints. */
export interface IntrospectionClient {
  /** At most 200 visible ASCII characters, no colon. */
  id: string;
  /** At least 32 random characters of visible ASCII; base64url needs no encoding anywhere. */
  secret: string;
}

/** Secrets have no default. In each list the first key signs and all verify. */
export interface KeyOptions {
  /** Keys of access tokens: HMAC secrets of at least 32 bytes, or JWKs. Public halves appear in the JWK set. */
  access: readonly KeyInput[];
  /** Keys of refresh tokens; none may be an access key. */
  refresh: readonly KeyInput[];
}

export interface AccessTokenOptions {
  /**
   * Life of an access token. Revocation reaches it earlier; services that only verify signatures trust it this long.
   * @default '15m'
   */
  ttl?: Duration;
  /**
   * Shorter lives for sessions that were begun with an `appId`, such as `{ kiosk: '2m' }`. None may exceed `ttl`: a client
   * names its own `appId`, and must win nothing by it.
   * @default none: every application has the same
   */
  ttlByApp?: Readonly<Record<string, Duration>>;
  /**
   * Whether a rotation ends the access token of the generation before, at the price of one more write and one more entry
   * of the revocation feed for each. Requests under way with that token are then refused, other tabs' among them.
   * @default false
   */
  retirePrevious?: boolean;
}

export interface RefreshTokenOptions {
  /**
   * A session unused for so long ends.
   * @default '7d'
   */
  idleTtl?: Duration;
  /**
   * A session ends so long after its login, however much it is used.
   * @default '30d'
   */
  absoluteTtl?: Duration;
  /**
   * Whether a refresh renews the idle life; `false` gives a session the idle life once, at login.
   * @default true
   */
  sliding?: boolean;
  /**
   * How long after its replacement a refresh token still gets the current token: races and retries.
   * @default '10s'
   */
  gracePeriod?: Duration;
  /**
   * How long after its replacement the last refresh token still gets the current token while nobody has used that
   * one: lost responses. `0` turns the recovery off.
   * @default '24h'
   */
  lostResponseWindow?: Duration;
  /**
   * What a detected reuse does: `revoke` ends the session, `report` (shadow mode) refuses the request and only reports,
   * in `refresh_token.reuse_detected`, which sessions it would have ended.
   * @default 'revoke'
   */
  reuse?: 'revoke' | 'report';
  /**
   * What a detected reuse ends: the session, or every session of the user.
   * @default 'session'
   */
  reuseScope?: 'session' | 'user';
  /**
   * Whether a client may ask for the refresh token in the response body (mobile and server clients).
   * @default false
   */
  allowBodyTransport?: boolean;
  cookie?: CookieOptions;
}

/** The refresh cookie. The defaults give `__Host-refresh_token; HttpOnly; Secure; SameSite=Strict; Path=/`. */
export interface CookieOptions {
  /**
   * `Domain` of the cookie: subdomains then receive it, and the `__Host-` prefix is lost.
   * @default none: the exact host
   */
  domain?: string;
  /**
   * `Path` of the cookie: a narrower one loses the `__Host-` prefix.
   * @default '/'
   */
  path?: string;
  /**
   * `Secure`: browsers then send it over HTTPS only. Turn it off for plain HTTP in development alone.
   * @default true
   */
  secure?: boolean;
  /**
   * `SameSite`: `lax` where a server renders pages after a click from another site; `none` for an SPA on another site.
   * @default 'strict'
   */
  sameSite?: 'strict' | 'lax' | 'none';
}

export interface SessionOptions {
  /**
   * How many sessions a user may have; a login beyond it ends the one unused longest.
   * @default 20
   */
  maxPerUser?: number;
}

/** The same in every process. */
export interface RevocationOptions {
  /**
   * How a guard learns that an access token was revoked. `feed`: from memory, which follows the store; no round trip.
   * `strict`: the store is asked at each request besides, which costs a round trip, and 503 while it is out of reach.
   * `off`: nothing is kept or asked, and access tokens live until they expire, whatever ends their session.
   * @default 'feed'
   */
  mode?: 'feed' | 'strict' | 'off';
  /**
   * How often a process reads the revocations of the others where the store does not push them: the bound on the life of
   * a revoked access token. Change streams and Redis push; then reads are a safety net, every 5 s or a sixth of
   * `maxStaleness`.
   * @default '1s'
   */
  pollInterval?: Duration;
  /**
   * After so long without a successful read, guards refuse with 503 rather than trust what they know.
   * @default '30s'
   */
  maxStaleness?: Duration;
  /**
   * Where revocations are shared: a `RedisRevocationStore`, or one of your own.
   * @default the `revocations` collection on the host's connection
   */
  store?: RevocationStore;
}

export interface FingerprintOptions {
  /**
   * What a refresh from a request unlike the session's does: `off` nothing, `report` an event, and the session is that
   * browser's from then on, `enforce` 403 and the end of the session. Recovery of lost responses needs the fingerprint of
   * who asked for them, in every mode but `off`.
   * @default 'report'
   */
  mode?: 'off' | 'report' | 'enforce';
  /**
   * Which traits of a request count. Of a user agent the browser and the platform count, of `accept-language` the first
   * language, of `sec-ch-ua` the brands without versions, so updates change nothing; `accept-encoding` counts as it is.
   * @default ['user-agent', 'accept-language', 'sec-ch-ua-platform']
   */
  features?: readonly FingerprintFeature[];
  /**
   * Key of the fingerprint, at least 32 bytes.
   * @default derived from each refresh key
   */
  key?: string;
}

/** Rules look at every refresh and login; each is a small pure function. */
export interface AnomalyOptions {
  /**
   * What suspicious activity does: `report` an event; `revoke-session` 403 `SUSPICIOUS_ACTIVITY` and the end of the
   * session; `revoke-user` the same, and the end of all the user's sessions.
   * @default 'report'
   */
  action?: 'report' | 'revoke-session' | 'revoke-user';
  /**
   * What counts as suspicious. Add to the rules of the module, or choose among them.
   * @default ANOMALY_RULES
   */
  rules?: readonly AnomalyRule[];
}

/** So many attempts within the window; beyond it 429 with `Retry-After`. */
export interface LimitOptions {
  readonly limit: number;
  readonly window: Duration;
}

/** A device that logged in to an account before counts for itself, so that nobody is locked out by the failures of others. */
export interface ThrottleOptions {
  /**
   * Logins and registrations of one address, and what is done by links out of mail.
   * @default { limit: 20, window: '1m' }
   */
  login?: LimitOptions;
  /**
   * Wrong passwords for one account from one address.
   * @default { limit: 10, window: '15m' }
   */
  failures?: LimitOptions;
  /**
   * Wrong passwords for one account from all unknown devices (NIST SP 800-63B-4: at most 100); as many from all devices
   * that logged in before its password was changed or all its sessions were ended.
   * @default { limit: 100, window: '15m' }
   */
  accountFailures?: LimitOptions;
  /**
   * Mail that strangers can cause for one account, of each kind: links for a new password, links to verify an address, news
   * that it is taken. Beyond it none is sent, and the answer is the same. A window longer than ten minutes may leave the user without a link that still works.
   * @default { limit: 3, window: '10m' }
   */
  mails?: LimitOptions;
  /**
   * Refreshes of one address, counted in each process.
   * @default { limit: 300, window: '1m' }
   */
  refresh?: LimitOptions;
}

/** Every event is kept: who, when, from where. Rows are written in batches, off the path of requests. */
export interface AuditOptions {
  /**
   * How long a row is kept, and a day's counters. A change holds for rows written from then on.
   * @default '90d'
   */
  retention?: Duration;
  /**
   * Whether each rotation of a refresh token gets a row: by far the most frequent event. `false` only counts them.
   * @default true
   */
  rotations?: boolean;
}

export interface PasswordOptions {
  /**
   * Least length in Unicode code points. NIST SP 800-63B-4 asks 15 where the password is the only factor.
   * @default 8
   */
  minLength?: number;
  /**
   * Greatest length in Unicode code points; at least 64.
   * @default 128
   */
  maxLength?: number;
  /**
   * Passwords refused besides the most used ones, such as the name of the product. Case does not count.
   * @default []
   */
  blocklist?: readonly string[];
  /**
   * Asks whether a new password is known from a breach, such as `new PwnedPasswordsBreachChecker()`; a breached one is
   * refused. A check that fails or is late refuses nobody; it is logged.
   * @default false
   */
  breachCheck?: false | BreachChecker;
  /**
   * How long a registration or a change of password waits for the breach check.
   * @default '2s'
   */
  breachCheckTimeout?: Duration;
  /**
   * bcrypt's cost: each step doubles the time of a login. Existing hashes are raised at the next login.
   * @default 12
   */
  bcryptCost?: number;
  /**
   * How many passwords are hashed at once.
   * @default cores − 1, at least 1, and one less than the threads of libuv's pool
   */
  hashConcurrency?: number;
  /**
   * How many may wait to be hashed; a login beyond it gets 503 with `Retry-After`.
   * @default 100
   */
  hashQueueLimit?: number;
  /**
   * Slow hash of passwords.
   * @default bcrypt
   */
  hasher?: PasswordHasher;
}
