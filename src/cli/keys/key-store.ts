import { existsSync } from 'node:fs';
import type { ConfigurationProblem } from '../../options/option-reader.js';
import { checkOptions } from '../../options/resolve-options.js';
import { tokenLifetimes } from '../../options/token-lifetimes.js';
import type { TokenKind } from '../../tokens/keys/key-ring.js';
import { developmentKeyFile, KeyFileError, pathOf } from '../../tokens/keys/key-set.js';
import { newSecret } from '../new-secret.js';
import { KeyFile } from './key-file.js';
import type { StoredKey } from './stored-key.js';

const VARIABLES: Record<TokenKind, string> = { access: 'JWT_ACCESS_KEYS', refresh: 'JWT_REFRESH_KEYS' };
/** Keys are checked without regard to the rest of the options. */
const ANY_ISSUER = 'https://issuer.invalid';

/** The key files that a service with this environment uses, and how long its tokens live. */
export class KeyStore {
  constructor(private readonly variables: NodeJS.ProcessEnv) {}

  /** @throws KeyFileError if the service's keys are in no file */
  file(kind: TokenKind): KeyFile {
    const variable = VARIABLES[kind];
    const given = this.text(variable);
    if (given === undefined) {
      const dataDir = this.text('DATA_DIR');
      const path = developmentKeyFile(dataDir ?? '.data');
      // Those of the reference service in development, if there is one.
      if (this.text('NODE_ENV') !== 'production' && (dataDir !== undefined || existsSync(path)))
        return new KeyFile(path, kind);
      throw new KeyFileError(
        `${variable} is not set: set it to file: and the path of the ${kind} keys, such as file:keys/${kind}.json`,
      );
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
      accessToken: { ttl: this.text('ACCESS_TOKEN_TTL') },
      refreshToken: {
        idleTtl: this.text('REFRESH_IDLE_TTL'),
        absoluteTtl: this.text('REFRESH_ABSOLUTE_TTL'),
      },
    })[kind];
  }

  /** An empty variable counts as not set. */
  private text(name: string): string | undefined {
    return this.variables[name]?.trim() || undefined;
  }

  /** Empty if they are in no file: each variable is checked when it is its turn. */
  private keysOf(kind: TokenKind): StoredKey[] {
    try {
      return this.file(kind).read();
    } catch (error) {
      if (error instanceof KeyFileError) return [];
      throw error;
    }
  }
}
