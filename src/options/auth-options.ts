import type { Clock, Mailer, UserStore } from '../core/ports.js';
import { type AccessTokenOptions, readAccessToken } from './access-token.options.js';
import { type AnomalyOptions, readAnomaly } from './anomaly.options.js';
import { type AuditOptions, readAudit } from './audit.options.js';
import { type CollectionOptions, readCollections } from './collections.options.js';
import { type FingerprintOptions, readFingerprint } from './fingerprint.options.js';
import { type IntrospectionClient, readIntrospectionClients } from './introspection-clients.options.js';
import { type KeyOptions, readKeys } from './keys.options.js';
import { derivedKeys } from './keys/derived-keys.js';
import type { OptionReader } from './option-reader.js';
import { type PasswordOptions, readPassword } from './password.options.js';
import { readRefreshToken, type RefreshTokenOptions } from './refresh-token.options.js';
import { readRegistration, type RegistrationOptions } from './registration.options.js';
import { readRevocation, type RevocationOptions } from './revocation.options.js';
import { readSessions, type SessionOptions } from './sessions.options.js';
import { readThrottle, type ThrottleOptions } from './throttle.options.js';
import { readTrustedOrigins, type TrustedOriginsOption } from './trusted-origins.options.js';
import { readUsers, type UserOptions } from './users.options.js';

/** The part of Nest's `ExecutionContext` that describes a message. */
export interface MessageContext {
  /** `ws`, `rpc`, `graphql` or another type. */
  getType(): string;
  /** Arguments of the handler: in a microservice, the payload and the transport's context. */
  getArgs(): readonly unknown[];
}

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
   * How often a client may try; `false` disables all limits.
   */
  throttle?: false | ThrottleOptions;
  /**
   * The audit log, in the collections `security_events` and `security_daily`; `false` disables it.
   */
  audit?: false | AuditOptions;
  /**
   * Whether `DoctorService` checks the configuration, the database and the application once at boot. It runs in the background
   * and logs each problem with a suggestion.
   * @default true
   */
  doctor?: boolean;
  /**
   * Origins of front ends on other origins, such as `https://app.example.com`, or `https://*.example.com` for every name under
   * it; or a function that decides about an origin. Their pages may use the routes that read or set the refresh cookie.
   * @default []
   * @example
   * trustedOrigins: ['https://app.example.com', 'https://*.preview.example.com'],
   * // or, as a function:
   * trustedOrigins: (origin) => originsOfTenants.has(origin),
   */
  trustedOrigins?: TrustedOriginsOption;
  /**
   * Services, as `{ id, secret }`, that may introspect and revoke tokens, at `introspect` (RFC 7662) and `revoke` (RFC 7009).
   * Without any, both routes answer 404.
   * @default []
   */
  introspectionClients?: readonly IntrospectionClient[];
  /**
   * Other names for the collections, if your application uses one of the names or already has users.
   */
  collections?: CollectionOptions;
  /**
   * The library's users collection: the names of the fields in its documents.
   */
  users?: UserOptions;
  /**
   * Additional fields of `POST /auth/register`.
   */
  registration?: RegistrationOptions;
  /**
   * Keeps users in a store other than the library's own `users` collection.
   * @default the `users` collection on your application's connection
   */
  userStore?: UserStore;
  /**
   * Sends mail to users: about a login on a new device, suspicious activity or a changed password, and password-reset
   * links. Requests neither wait for it nor fail because of it. Without a mailer, `forgot-password`, `reset-password` and
   * `verify-email` answer 404.
   * @default none: no mail is sent
   */
  mailer?: Mailer;
  /**
   * Whether a user must open a mailed link before they can log in: `off` or `required`. `required` needs a `mailer`: a
   * registration then answers 202 without tokens, whether or not the address is taken. Existing users get their link at
   * their next login; their sessions continue.
   * @default 'off'
   */
  emailVerification?: 'off' | 'required';
  /**
   * Finds the access token of a message in contexts other than HTTP. Called before the usual places are searched: the
   * handshake of a socket and, in a microservice, `accessToken` of the payload or gRPC's metadata. Returns the token without a
   * scheme; null or undefined if there is none.
   * @default none: the usual places
   */
  accessTokenOf?: (context: MessageContext) => string | null | undefined;
  /**
   * The time for every expiry and grace decision.
   * @default a monotonic clock that follows the database's time
   */
  clock?: Clock;
}

export function readAccessTokenOf(
  read: OptionReader<Pick<AuthOptions, 'accessTokenOf'>>,
): AuthOptions['accessTokenOf'] | null {
  const given = read.given('accessTokenOf');
  if (given === undefined) return null;
  if (typeof given === 'function') return given as AuthOptions['accessTokenOf'];
  read.refuse('accessTokenOf', 'give a function that returns the token of a message');
  return null;
}

/** Reads the options in the order in which their problems are reported. */
export function readAuthOptions(read: OptionReader<AuthOptions>) {
  const issuer = readIssuer(read);
  const audience = readAudience(read) ?? issuer;
  const keys = readKeys(read.group('keys'));
  const users = readUsers(read.group('users'));
  return {
    issuer,
    audience,
    keys,
    accessToken: readAccessToken(read.group('accessToken')),
    refreshToken: readRefreshToken(read.group('refreshToken')),
    sessions: readSessions(read.group('sessions')),
    revocation: readRevocation(read.group('revocation')),
    fingerprint: readFingerprint(read.group('fingerprint'), keys.refresh),
    anomaly: readAnomaly(read.group('anomaly')),
    password: readPassword(read.group('password')),
    /** Null: disabled. */
    throttle: read.groupUnlessOff('throttle', readThrottle),
    /** Null: disabled. */
    audit: read.groupUnlessOff('audit', readAudit),
    doctor: read.flag('doctor', true),
    /** Keys of the device cookie, one for each refresh key. */
    deviceKeys: derivedKeys(keys.refresh, 'device'),
    /** Keys of the nonces in proofs of possession, one for each refresh key. */
    proofNonceKeys: derivedKeys(keys.refresh, 'proof-nonce'),
    trustedOrigins: readTrustedOrigins(read),
    /** Empty: the OAuth endpoints are disabled. */
    introspectionClients: readIntrospectionClients(read),
    collections: readCollections(read.group('collections')),
    users,
    registration: readRegistration(read.group('registration'), users.fields),
    userStore: read.supplied('userStore'),
    mailer: readMailer(read),
    emailVerification: read.choice('emailVerification', 'off', ['off', 'required']),
    /** Null: the usual places only. */
    accessTokenOf: readAccessTokenOf(read),
    clock: read.supplied('clock'),
  };
}

export function readIssuer(read: OptionReader<Pick<AuthOptions, 'issuer'>>): string {
  const issuer = read.given('issuer');
  if (typeof issuer === 'string' && URL.canParse(issuer) && /^https?:/.test(issuer)) return issuer;
  read.refuse('issuer', "give the service's URL, such as 'https://api.example.com'");
  return 'http://invalid';
}

export function readAudience(read: OptionReader<Pick<AuthOptions, 'audience'>>): string | null {
  const audience = read.given('audience');
  if (audience === undefined) return null;
  if (typeof audience === 'string' && audience !== '') return audience;
  read.refuse('audience', 'give a name, or leave it out');
  return null;
}

function readMailer(read: OptionReader<AuthOptions>): Mailer | null {
  const given = read.given('mailer');
  if (given === undefined) return null;
  const { send } = Object(given) as Partial<Mailer>;
  if (typeof send === 'function') return given as Mailer;
  read.refuse('mailer', 'give a Mailer: an object with a method send');
  return null;
}
