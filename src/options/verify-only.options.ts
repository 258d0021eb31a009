import type { Duration } from '../core/duration.js';
import { MINUTE_MS } from '../core/limits.js';
import type { Clock } from '../core/ports.js';
import { type AuthOptions, readAccessTokenOf, readAudience, readIssuer } from './auth-options.js';
import { OptionReader, show } from './option-reader.js';
import { deepFreeze, type Frozen, type ModuleOptions } from './resolve-options.js';
import { readRevocation, type RevocationOptions } from './revocation.options.js';
import { unknownKeys } from './unknown-keys.js';

/** How the public keys are fetched and cached. */
export interface KeySetOptions {
  /**
   * Maximum age of the keys before they are fetched again in the background. A token with an unknown key causes a fetch
   * immediately.
   * @default '5m'
   */
  maxAge?: Duration;
  /**
   * How long the keys stay valid while they cannot be fetched; after that guards answer 503. This limits how long a key is
   * trusted after the issuer has withdrawn it.
   * @default '1h'
   */
  maxStaleness?: Duration;
  /**
   * Minimum time between two fetches that tokens with unknown keys cause; meanwhile such tokens are refused.
   * @default '10s'
   */
  cooldown?: Duration;
  /**
   * Timeout of a fetch. Requests that need its answer wait for it, and get 503 after the timeout.
   * @default '5s'
   */
  timeout?: Duration;
}

/** Options of `VerifyOnlyAuthModule.forRoot` and of the factory of `forRootAsync`. Durations are `'15m'` or seconds. */
export interface VerifyOnlyAuthOptions {
  /** The `issuer` of the service that signs: tokens of another issuer are refused. */
  issuer: string;
  /**
   * The `audience` of the service that signs: tokens for another audience are refused.
   * @default the issuer
   */
  audience?: string;
  /** URL of the key set of the service that signs, such as `https://api.example.com/.well-known/jwks.json`. */
  jwksUri: string;
  keySet?: KeySetOptions;
  /**
   * How the service learns of revoked access tokens; use the settings of the service that signs. Needs a `store` that both
   * services share, such as a `RedisRevocationStore`.
   * @default none: access tokens live until they expire
   */
  revocation?: RevocationOptions;
  /**
   * Like `accessTokenOf` of `AuthModule`: finds the access token of a message in contexts other than HTTP.
   * @default none: the usual places
   */
  accessTokenOf?: AuthOptions['accessTokenOf'];
  /**
   * The time by which access tokens expire.
   * @default the clock of this machine
   */
  clock?: Clock;
}

/** The resolved options: checked, complete, in milliseconds, frozen. */
export type ResolvedVerifyOnlyOptions = Frozen<ReturnType<typeof readVerifyOnlyOptions>>;

/**
 * Checks the options, fills in the defaults and freezes the result.
 * @throws ConfigurationError with all problems: key, value, fix
 */
export function resolveVerifyOnlyOptions(
  given: VerifyOnlyAuthOptions,
  module: ModuleOptions,
): ResolvedVerifyOnlyOptions {
  const read = new OptionReader<VerifyOnlyAuthOptions>(given);
  const resolved = readVerifyOnlyOptions(read);
  read.problems.unshift(...module.problems, ...unknownKeys(given, read.names, '', module.names));
  read.done();
  return deepFreeze(resolved);
}

/** Reads the options in the order in which their problems are reported. */
function readVerifyOnlyOptions(read: OptionReader<VerifyOnlyAuthOptions>) {
  const issuer = readIssuer(read);
  return {
    issuer,
    audience: readAudience(read) ?? issuer,
    jwksUri: readJwksUri(read),
    keySet: readKeySetOptions(read.group('keySet')),
    revocation: readSharedRevocation(read),
    /** Not used: this process adds no revocations, and those of others carry their own expiry. */
    accessToken: { ttlMs: 15 * MINUTE_MS, retirePrevious: false },
    /** Null: the usual places only. */
    accessTokenOf: readAccessTokenOf(read),
    clock: read.supplied('clock'),
  };
}

function readJwksUri(read: OptionReader<VerifyOnlyAuthOptions>): string {
  const given = read.given('jwksUri');
  if (typeof given === 'string' && /^https?:/.test(given) && URL.canParse(given)) {
    const { username, password } = new URL(given);
    if (username === '' && password === '') return given;
    read.refuse('jwksUri', 'leave out user name and password: a key set is public', '(not shown)');
  } else
    read.refuse(
      'jwksUri',
      "give the URL of the issuer's key set, such as 'https://api.example.com/.well-known/jwks.json'",
      show(given),
    );
  return 'http://invalid';
}

function readKeySetOptions(read: OptionReader<KeySetOptions>) {
  const resolved = {
    maxAgeMs: read.duration('maxAge', '5m'),
    maxStalenessMs: read.duration('maxStaleness', '1h'),
    cooldownMs: read.duration('cooldown', '10s'),
    timeoutMs: read.duration('timeout', '5s', { minMs: 50 }),
  };
  if (resolved.maxAgeMs >= resolved.maxStalenessMs)
    read.refuse('maxAge', 'must be shorter than keySet.maxStaleness, or guards answer 503 between fetches');
  return resolved;
}

/** Without a shared store, revocation is off. */
function readSharedRevocation(read: OptionReader<VerifyOnlyAuthOptions>) {
  const revocation = readRevocation(read.group('revocation'));
  if (revocation.store) return revocation;
  const given = read.given('revocation') as RevocationOptions | undefined;
  if (given !== undefined && given !== null && revocation.mode !== 'off')
    read.refuse(
      'revocation.store',
      'give the store that the service that signs has, or leave revocation out',
    );
  return { ...revocation, mode: 'off' as const };
}
