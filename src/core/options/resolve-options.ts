import { ANOMALY_RULES, type AnomalyRule } from '../anomaly.js';
import type { ClientSecrets } from '../client-credentials.js';
import { FINGERPRINT_FEATURES, type FingerprintFeature } from '../fingerprint.js';
import type { RingKey } from '../key-spec.js';
import type { BreachChecker, Clock, Mailer, PasswordHasher, RevocationStore, UserStore } from '../ports.js';
import type { AuthOptions, LimitOptions, ThrottleOptions } from './auth-options.js';
import { ConfigurationError, type ConfigurationProblem, OptionReader } from './option-reader.js';
import { readOrigins } from './read-origins.js';
import { AUTH_OPTION_KEYS, unknownKeys } from './unknown-keys.js';
import { readCookie, type ResolvedCookieOptions } from './read-cookie.js';
import { readAccessToken, type ResolvedAccessTokenOptions } from './read-access-token.js';
import { readIntrospectionClients } from './read-clients.js';
import { derivedKeys, fingerprintKeys, readRing } from './read-keys.js';

/** Injection token of the {@link ResolvedAuthOptions}. */
export const AUTH_OPTIONS = Symbol('AUTH_OPTIONS');

/** The options as the code reads them: checked, complete, in milliseconds, frozen. */
export interface ResolvedAuthOptions {
  readonly issuer: string;
  readonly audience: string;
  readonly keys: { readonly access: readonly RingKey[]; readonly refresh: readonly RingKey[] };
  readonly accessToken: ResolvedAccessTokenOptions;
  readonly refreshToken: {
    readonly idleTtlMs: number;
    readonly absoluteTtlMs: number;
    readonly sliding: boolean;
    readonly gracePeriodMs: number;
    readonly lostResponseWindowMs: number;
    readonly reuse: 'revoke' | 'report';
    readonly reuseScope: 'session' | 'user';
    readonly allowBodyTransport: boolean;
    readonly cookie: ResolvedCookieOptions;
  };
  readonly sessions: { readonly maxPerUser: number };
  readonly revocation: {
    readonly mode: 'feed' | 'strict' | 'off';
    readonly pollIntervalMs: number;
    readonly maxStalenessMs: number;
    readonly store: RevocationStore | null;
  };
  readonly fingerprint: {
    readonly mode: 'off' | 'report' | 'enforce';
    readonly features: readonly FingerprintFeature[];
    readonly keys: readonly Uint8Array[];
    /** Whether they come from the refresh keys, and change with them. */
    readonly areKeysDerived: boolean;
  };
  readonly anomaly: {
    readonly action: 'report' | 'revoke-session' | 'revoke-user';
    readonly rules: readonly AnomalyRule[];
  };
  readonly password: {
    readonly minLength: number;
    readonly maxLength: number;
    readonly blocklist: ReadonlySet<string>;
    readonly breachCheck: false | BreachChecker;
    readonly breachCheckTimeoutMs: number;
    readonly bcryptCost: number;
    /** Null: as the machine allows. */
    readonly hashConcurrency: number | null;
    readonly hashQueueLimit: number;
    readonly hasher: PasswordHasher | null;
  };
  /** Null: off. */
  readonly throttle: Readonly<Record<keyof ThrottleOptions, ResolvedLimit>> | null;
  /** Null: off. */
  readonly audit: { readonly retentionMs: number; readonly rotations: boolean } | null;
  readonly doctor: boolean;
  /** Keys of the cookie by which a device is recognised, one for each refresh key. */
  readonly deviceKeys: readonly Uint8Array[];
  readonly trustedOrigins: ReadonlySet<string>;
  /** Empty: there are no OAuth endpoints. */
  readonly introspectionClients: ClientSecrets;
  readonly userStore: UserStore | null;
  readonly mailer: Mailer | null;
  readonly emailVerification: 'off' | 'required';
  readonly clock: Clock | null;
}

export interface ResolvedLimit {
  readonly limit: number;
  readonly windowMs: number;
}

/** A report reads days. */
const DAY_MS = 86_400_000;

/** What is wrong with the options: every problem at once, none where they can be used. */
export function checkOptions(options: AuthOptions): readonly ConfigurationProblem[] {
  try {
    resolveOptions(options);
    return [];
  } catch (error) {
    if (error instanceof ConfigurationError) return error.problems;
    throw error;
  }
}

/** What stands beside the options where the module is imported: who meant one of its names, and what is wrong there. */
export interface ModuleOptions {
  readonly names: readonly string[];
  readonly problems: readonly ConfigurationProblem[];
}
const NO_MODULE: ModuleOptions = { names: [], problems: [] };

/**
 * Checks the options, fills in the defaults and freezes the result.
 * @throws ConfigurationError with all problems: key, value, mend
 */
export function resolveOptions(given: AuthOptions, module: ModuleOptions = NO_MODULE): ResolvedAuthOptions {
  // A host's factory may give nothing, whatever its type says.
  const options = (given as AuthOptions | null | undefined) ?? ({} as AuthOptions);
  const read = new OptionReader();
  read.problems.push(...module.problems, ...unknownKeys(options, AUTH_OPTION_KEYS, '', module.names));
  const refresh = options.refreshToken ?? {};
  const issuer = readIssuer(read, options.issuer);
  const keys = readRing(read, options.keys);

  const resolved: ResolvedAuthOptions = {
    issuer,
    audience: readAudience(read, options.audience) ?? issuer,
    keys,
    accessToken: readAccessToken(read, options.accessToken ?? {}),
    refreshToken: {
      idleTtlMs: read.duration('refreshToken.idleTtl', refresh.idleTtl, '7d'),
      absoluteTtlMs: read.duration('refreshToken.absoluteTtl', refresh.absoluteTtl, '30d'),
      sliding: read.flag('refreshToken.sliding', refresh.sliding, true),
      gracePeriodMs: read.duration('refreshToken.gracePeriod', refresh.gracePeriod, '10s', { minMs: 0 }),
      lostResponseWindowMs: read.duration(
        'refreshToken.lostResponseWindow',
        refresh.lostResponseWindow,
        '24h',
        { minMs: 0 },
      ),
      reuse: read.choice('refreshToken.reuse', refresh.reuse, 'revoke', ['revoke', 'report']),
      reuseScope: read.choice('refreshToken.reuseScope', refresh.reuseScope, 'session', ['session', 'user']),
      allowBodyTransport: read.flag('refreshToken.allowBodyTransport', refresh.allowBodyTransport, false),
      cookie: readCookie(read, refresh.cookie ?? {}),
    },
    sessions: { maxPerUser: read.integer('sessions.maxPerUser', options.sessions?.maxPerUser, 20, 1, 1000) },
    revocation: {
      mode: read.choice('revocation.mode', options.revocation?.mode, 'feed', ['feed', 'strict', 'off']),
      pollIntervalMs: read.duration('revocation.pollInterval', options.revocation?.pollInterval, '1s', {
        minMs: 50,
      }),
      maxStalenessMs: read.duration('revocation.maxStaleness', options.revocation?.maxStaleness, '30s'),
      store: options.revocation?.store ?? null,
    },
    fingerprint: {
      mode: read.choice('fingerprint.mode', options.fingerprint?.mode, 'report', [
        'off',
        'report',
        'enforce',
      ]),
      features: readFeatures(read, options.fingerprint?.features),
      keys: fingerprintKeys(read, options.fingerprint?.key, keys.refresh),
      areKeysDerived: options.fingerprint?.key === undefined,
    },
    anomaly: {
      action: read.choice('anomaly.action', options.anomaly?.action, 'report', [
        'report',
        'revoke-session',
        'revoke-user',
      ]),
      rules: readRules(read, options.anomaly?.rules),
    },
    password: {
      minLength: read.integer('password.minLength', options.password?.minLength, 8, 8, 64),
      maxLength: read.integer('password.maxLength', options.password?.maxLength, 128, 64, 4096),
      blocklist: new Set(
        read
          .texts('password.blocklist', options.password?.blocklist)
          .map((word) => word.normalize('NFKC').toLowerCase()),
      ),
      breachCheck: readBreachCheck(read, options.password?.breachCheck),
      breachCheckTimeoutMs: read.duration(
        'password.breachCheckTimeout',
        options.password?.breachCheckTimeout,
        '2s',
        { minMs: 100 },
      ),
      bcryptCost: read.integer('password.bcryptCost', options.password?.bcryptCost, 12, 4, 18),
      hashConcurrency: readHashConcurrency(read, options.password?.hashConcurrency),
      hashQueueLimit: read.integer(
        'password.hashQueueLimit',
        options.password?.hashQueueLimit,
        100,
        1,
        100_000,
      ),
      hasher: options.password?.hasher ?? null,
    },
    throttle: readThrottle(read, options.throttle),
    audit: readAudit(read, options.audit),
    doctor: read.flag('doctor', options.doctor, true),
    deviceKeys: derivedKeys(keys.refresh, 'device'),
    trustedOrigins: readOrigins(read, options.trustedOrigins),
    introspectionClients: readIntrospectionClients(read, options.introspectionClients),
    userStore: options.userStore ?? null,
    mailer: readMailer(read, options.mailer),
    emailVerification: read.choice('emailVerification', options.emailVerification, 'off', [
      'off',
      'required',
    ]),
    clock: options.clock ?? null,
  };
  refuseContradictions(read, resolved, options);
  read.done();
  return deepFreeze(resolved);
}

function readIssuer(read: OptionReader, issuer: unknown): string {
  if (typeof issuer === 'string' && URL.canParse(issuer) && /^https?:/.test(issuer)) return issuer;
  read.refuse('issuer', issuer, "give the service's URL, such as 'https://api.example.com'");
  return 'http://invalid';
}

function readAudience(read: OptionReader, audience: unknown): string | null {
  if (audience === undefined) return null;
  if (typeof audience === 'string' && audience !== '') return audience;
  read.refuse('audience', audience, 'give a name, or leave it out');
  return null;
}

/** The core knows no machine: what is not set is left to who hashes. */
function readHashConcurrency(read: OptionReader, value: number | undefined): number | null {
  return value === undefined ? null : read.integer('password.hashConcurrency', value, 1, 1, 256);
}

function readBreachCheck(read: OptionReader, given: unknown): false | BreachChecker {
  if (given === undefined || given === false) return false;
  const { isBreached } = Object(given) as Partial<BreachChecker>;
  if (typeof isBreached === 'function') return given as BreachChecker;
  read.refuse(
    'password.breachCheck',
    given,
    'give false, or a BreachChecker such as new PwnedPasswordsBreachChecker()',
  );
  return false;
}

function readMailer(read: OptionReader, given: unknown): Mailer | null {
  if (given === undefined) return null;
  const { send } = Object(given) as Partial<Mailer>;
  if (typeof send === 'function') return given as Mailer;
  read.refuse('mailer', given, 'give a Mailer: an object with a method send');
  return null;
}

function readFeatures(read: OptionReader, features: unknown): FingerprintFeature[] {
  const key = 'fingerprint.features';
  const chosen = read.texts(key, features, ['user-agent', 'accept-language', 'sec-ch-ua-platform']);
  return chosen.filter((feature): feature is FingerprintFeature => {
    const isKnown = (FINGERPRINT_FEATURES as readonly string[]).includes(feature);
    if (!isKnown) read.refuse(key, feature, `give some of ${FINGERPRINT_FEATURES.join(', ')}`);
    return isKnown;
  });
}

function readRules(read: OptionReader, given: unknown): readonly AnomalyRule[] {
  if (given === undefined) return ANOMALY_RULES;
  const isRule = (rule: unknown): rule is AnomalyRule => {
    const { name, examine } = Object(rule) as Partial<AnomalyRule>;
    return typeof name === 'string' && name !== '' && typeof examine === 'function';
  };
  if (Array.isArray(given) && given.every(isRule)) {
    if (new Set(given.map(({ name }) => name)).size === given.length) return [...given];
    read.refuse('anomaly.rules', given, 'two rules have the same name: give each its own');
  } else read.refuse('anomaly.rules', given, 'give a list of rules, each with a name and a function examine');
  return ANOMALY_RULES;
}

function readThrottle(
  read: OptionReader,
  throttle: AuthOptions['throttle'],
): ResolvedAuthOptions['throttle'] {
  if (throttle === false) return null;
  const readLimit = (name: keyof ThrottleOptions, fallback: LimitOptions): ResolvedLimit => {
    const { limit, window } = throttle?.[name] ?? fallback;
    return {
      limit: read.integer(`throttle.${name}.limit`, limit, fallback.limit, 1, 1_000_000),
      windowMs: read.duration(`throttle.${name}.window`, window, String(fallback.window)),
    };
  };
  return {
    login: readLimit('login', { limit: 20, window: '1m' }),
    failures: readLimit('failures', { limit: 10, window: '15m' }),
    accountFailures: readLimit('accountFailures', { limit: 100, window: '15m' }),
    mails: readLimit('mails', { limit: 3, window: '10m' }),
    refresh: readLimit('refresh', { limit: 300, window: '1m' }),
  };
}

function readAudit(read: OptionReader, audit: AuthOptions['audit']): ResolvedAuthOptions['audit'] {
  if (audit === false) return null;
  return {
    retentionMs: read.duration('audit.retention', audit?.retention, '90d', { minMs: DAY_MS }),
    rotations: read.flag('audit.rotations', audit?.rotations, true),
  };
}

function refuseContradictions(read: OptionReader, resolved: ResolvedAuthOptions, given: AuthOptions): void {
  const { cookie } = resolved.refreshToken;
  const { mode, pollIntervalMs, maxStalenessMs } = resolved.revocation;
  if (mode === 'off' && resolved.accessToken.retirePrevious)
    read.refuse(
      'accessToken.retirePrevious',
      true,
      "revokes access tokens: set revocation.mode to 'feed' or 'strict', or leave it out",
    );
  if (pollIntervalMs >= maxStalenessMs)
    read.refuse(
      'revocation.pollInterval',
      given.revocation?.pollInterval,
      'must be shorter than revocation.maxStaleness, or guards answer 503 between reads',
    );
  if (cookie.sameSite === 'none' && !cookie.secure)
    read.refuse(
      'refreshToken.cookie.sameSite',
      'none',
      'browsers refuse SameSite=None without Secure: set cookie.secure',
    );
  if (resolved.emailVerification === 'required') {
    if (!resolved.mailer)
      read.refuse(
        'emailVerification',
        'required',
        'needs a way to send links: give a mailer, or leave it out',
      );
    if (resolved.userStore && !resolved.userStore.setEmailVerifiedAt)
      read.refuse(
        'userStore',
        given.userStore,
        "emailVerification: 'required' needs its method setEmailVerifiedAt",
      );
  }
  if (resolved.password.minLength > resolved.password.maxLength)
    read.refuse('password.minLength', given.password?.minLength, 'must not exceed password.maxLength');
}

/** Freezes plain objects and arrays; what the host handed in (stores, a clock) is left as it is. */
function deepFreeze<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value;
  const isPlain = Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype;
  const inner: unknown[] = Object.values(value);
  if (!isPlain || inner.some((item) => typeof item === 'function')) return value;
  inner.forEach(deepFreeze);
  return Object.freeze(value);
}
