import { closestMatch } from 'leven';
import type { AuthOptions } from './auth-options.js';
import type { ConfigurationProblem } from './option-reader.js';

/** The keys of a group of options; `null` where a value, whatever its kind, is none of our business. */
export type KnownKeys<Options> = {
  readonly [Key in keyof Required<Options>]: null | KnownKeys<Exclude<NonNullable<Options[Key]>, false>>;
};

const LIMIT = { limit: null, window: null };

/** Held against the type: an option cannot be added without being known here. */
export const AUTH_OPTION_KEYS = {
  issuer: null,
  audience: null,
  keys: { access: null, refresh: null },
  accessToken: { retirePrevious: null, ttl: null, ttlByApp: null },
  refreshToken: {
    idleTtl: null,
    absoluteTtl: null,
    sliding: null,
    gracePeriod: null,
    lostResponseWindow: null,
    reuse: null,
    reuseScope: null,
    allowBodyTransport: null,
    cookie: { domain: null, path: null, secure: null, sameSite: null },
  },
  sessions: { maxPerUser: null },
  revocation: { mode: null, pollInterval: null, maxStaleness: null, store: null },
  fingerprint: { mode: null, features: null, key: null },
  anomaly: { action: null, rules: null },
  password: {
    minLength: null,
    maxLength: null,
    blocklist: null,
    breachCheck: null,
    breachCheckTimeout: null,
    bcryptCost: null,
    hashConcurrency: null,
    hashQueueLimit: null,
    hasher: null,
  },
  throttle: { login: LIMIT, failures: LIMIT, accountFailures: LIMIT, mails: LIMIT, refresh: LIMIT },
  audit: { retention: null, rotations: null },
  doctor: null,
  trustedOrigins: null,
  introspectionClients: null,
  userStore: null,
  mailer: null,
  emailVerification: null,
  clock: null,
} satisfies KnownKeys<AuthOptions>;

/** Any group, to walk it. */
interface Group {
  readonly [key: string]: Group | null;
}

/** Half a word may be wrong, three letters at most: `gracePerod`, not `graze`. */
const MAX_DISTANCE = 3;

/**
 * What is named as no option is, at every level: a misspelt option would else be its default in silence.
 * @param besides further names that one may have meant
 */
export function unknownKeys(
  given: unknown,
  known: Group,
  path = '',
  besides: readonly string[] = [],
): ConfigurationProblem[] {
  if (!isGroup(given)) return [];
  return Object.entries(given).flatMap(([name, value]) => {
    const group = Object.hasOwn(known, name) ? known[name] : undefined;
    const problem = { key: path + name, value: withoutText(value) };
    if (group === undefined) return [{ ...problem, mend: mendOf(name, known, besides) }];
    // Not given, or turned off.
    if (group === null || value === undefined || value === null || value === false) return [];
    if (isGroup(value)) return unknownKeys(value, group, `${path}${name}.`);
    return [{ ...problem, mend: `give an object with some of ${Object.keys(group).join(', ')}` }];
  });
}

function isGroup(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function mendOf(name: string, known: Group, besides: readonly string[]): string {
  const names = Object.keys(known);
  const meant = closestMatch(name, [...names, ...besides], {
    maxDistance: Math.min(MAX_DISTANCE, Math.floor(name.length / 2)),
  });
  return meant === undefined
    ? `there is no such option: remove it; there are ${names.join(', ')}`
    : `there is no such option: did you mean ${meant}?`;
}

/** Nobody knows what a key stands for that nobody knows: a text may be a secret. */
function withoutText(value: unknown): string {
  if (typeof value === 'string') return '(text, not shown)';
  if (typeof value === 'object' && value !== null) return Array.isArray(value) ? '(list)' : '(object)';
  return typeof value === 'function' ? '(function)' : String(value);
}
