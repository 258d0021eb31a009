import { checkOptions, type ConfigurationProblem, tokenLifetimes, type TokenKind } from '../../index.js';
import { Environment } from '../environment.js';
import { KeyFile } from './key-file.js';
import { developmentKeyFile, KeyFileError, newSecret, pathOf } from './key-sets.js';
import type { StoredKey } from './stored-key.js';

const VARIABLES: Record<TokenKind, string> = { access: 'JWT_ACCESS_KEYS', refresh: 'JWT_REFRESH_KEYS' };
/** Keys are checked without regard to the rest of the options. */
const ANY_ISSUER = 'https://issuer.invalid';

/** The key files that a service with this environment uses, and how long its tokens live. */
export class KeyStore {
  private readonly env: Environment;

  constructor(variables: NodeJS.ProcessEnv) {
    this.env = new Environment(variables);
  }

  /** @throws KeyFileError where the service's keys are in no file */
  file(kind: TokenKind): KeyFile {
    const variable = VARIABLES[kind];
    const given = this.env.text(variable);
    if (given === undefined) {
      if (this.env.text('NODE_ENV') === 'production')
        throw new KeyFileError(`${variable} is not set: set it to file: and the path of the ${kind} keys`);
      return new KeyFile(developmentKeyFile(this.env.text('DATA_DIR') ?? '.data'), kind);
    }
    const path = pathOf(given);
    if (path === null)
      throw new KeyFileError(
        `${variable} holds keys, not file: and the path of a JWK set. Keys in a variable change by restarts: add the new one last everywhere, then put it first, then take the old one out`,
      );
    return new KeyFile(path, 'keys');
  }

  /** What the service would say to these keys of one kind, beside those of the other. */
  problems(kind: TokenKind, keys: StoredKey[]): readonly ConfigurationProblem[] {
    const other = kind === 'access' ? 'refresh' : 'access';
    const others = this.keysOf(other);
    return checkOptions({
      issuer: ANY_ISSUER,
      keys: kind === 'access' ? { access: keys, refresh: others } : { access: others, refresh: keys },
    }).filter(({ key }) => others.length > 0 || key.startsWith(`keys.${kind}`));
  }

  /**
   * How long a token of the kind lives after it was signed, in milliseconds, with this environment.
   * @throws ConfigurationError
   */
  lifetimeMs(kind: TokenKind): number {
    return tokenLifetimes({
      issuer: ANY_ISSUER,
      keys: { access: [newSecret()], refresh: [newSecret()] },
      accessToken: { ttl: this.env.text('ACCESS_TOKEN_TTL') },
      refreshToken: {
        idleTtl: this.env.text('REFRESH_IDLE_TTL'),
        absoluteTtl: this.env.text('REFRESH_ABSOLUTE_TTL'),
      },
    })[kind];
  }

  /** Empty where they are in no file: each variable is checked when it is its turn. */
  private keysOf(kind: TokenKind): StoredKey[] {
    try {
      return this.file(kind).read();
    } catch (error) {
      if (error instanceof KeyFileError) return [];
      throw error;
    }
  }
}
