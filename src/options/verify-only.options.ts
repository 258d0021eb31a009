import type { Duration } from '../core/duration.js';
import { MINUTE_MS } from '../core/limits.js';
import type { Clock } from '../core/ports.js';
import { type AuthOptions, readAccessTokenOf, readAudience, readIssuer } from './auth-options.js';
import { OptionReader, show } from './option-reader.js';
import { deepFreeze, type Frozen, type ModuleOptions } from './resolve-options.js';
import { readRevocation, type RevocationOptions } from './revocation.options.js';
import { unknownKeys } from './unknown-keys.js';

/** How the public keys are fetched and kept. */
export interface KeySetOptions {
  /**
   * How old the keys may get before they are fetched again, in the background. A token of an unknown key causes a fetch at
   * once.
   * @default '5m'
   */
  maxAge?: Duration;
  /**
   * How long the keys are good while they cannot be fetched again: beyond it guards answer 503. It bounds how long a key is
   * trusted that the issuer has withdrawn.
   * @default '1h'
   */
  maxStaleness?: Duration;
  /**
   * Time between two fetches that tokens of unknown keys cause; in between such a token is refused.
   * @default '10s'
   */
  cooldown?: Duration;
  /**
   * How long a fetch may take. Requests that need its answer wait for it, and get 503 where it comes too late.
   * @default '5s'
   */
  timeout?: Duration;
}

/** Options of `VerifyOnlyAuthModule.forRoot` and of the factory of `forRootAsync`. Durations are `'15m'` or seconds. */
export interface VerifyOnlyAuthOptions {
  /** The `issuer` of the service that signs: a token of another issuer is refused. */
  issuer: string;
  /**
   * The `audience` of the service that signs: a token for another audience is refused.
   * @default the issuer
   */
  audience?: string;
  /** URL of the key set of the service that signs, such as `https://api.example.com/.well-known/jwks.json`. */
  jwksUri: string;
  keySet?: KeySetOptions;
  /**
   * How revoked access tokens become known, as in the service that signs. Needs a `store` that both share, such as a
   * `RedisRevocationStore`.
   * @default none: access tokens live until they expire
   */
  revocation?: RevocationOptions;
  /**
   * As `accessTokenOf` of `AuthModule`: where the access token of a message is, in contexts other than HTTP.
   * @default none: the usual places
   */
  accessTokenOf?: AuthOptions['accessTokenOf'];
  /**
   * Time by which access tokens expire.
   * @default the clock of this machine
   */
  clock?: Clock;
}

/** The options as the code reads them: checked, complete, in milliseconds, frozen. */
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
    /** Revocations carry their own time of expiry; this one is for those that this process would add, which are none. */
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

/** Without a store nothing can be known to be revoked. */
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
