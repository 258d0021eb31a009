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
/** A placeholder, because keys are checked without the other options. */
const ANY_ISSUER = 'https://issuer.invalid';

/** The key files that a service with this environment uses, and the lifetimes of its tokens. */
export class KeyStore {
  constructor(private readonly variables: NodeJS.ProcessEnv) {}

  /** @throws KeyFileError if the service's keys are not in a file */
  file(kind: TokenKind): KeyFile {
    const variable = VARIABLES[kind];
    const given = this.text(variable);
    if (given === undefined) {
      const dataDir = this.text('DATA_DIR');
      const path = developmentKeyFile(dataDir ?? '.data');
      // The development keys of the reference service, if there is one.
      if (this.text('NODE_ENV') !== 'production' && (dataDir !== undefined || existsSync(path)))
        return new KeyFile(path, kind);
      throw new KeyFileError(
        `${variable} is not set: set it to the path of the ${kind} keys, such as file:keys/${kind}.json`,
      );
    }
    const path = pathOf(given);
    if (path === null)
      throw new KeyFileError(
        `${variable} contains keys, not the path of a JWK set such as file:keys/${kind}.json. To rotate keys in a variable, restart the service after each step: append the new key everywhere, then move it to the front, then remove the old one`,
      );
    return new KeyFile(path, 'keys');
  }

  /** The problems that the service would have with these keys, together with the keys of the other kind. */
  problems(kind: TokenKind, keys: StoredKey[]): readonly ConfigurationProblem[] {
    const other = kind === 'access' ? 'refresh' : 'access';
    const others = this.keysOf(other);
    return checkOptions({
      issuer: ANY_ISSUER,
      keys: kind === 'access' ? { access: keys, refresh: others } : { access: others, refresh: keys },
    }).filter(({ key }) => others.length > 0 || key.startsWith(`keys.${kind}`));
  }

  /**
   * The lifetime of a token of this kind in milliseconds, with this environment.
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

  /** Empty if the keys are not in a file: each variable is checked when its own kind is handled. */
  private keysOf(kind: TokenKind): StoredKey[] {
    try {
      return this.file(kind).read();
    } catch (error) {
      if (error instanceof KeyFileError) return [];
      throw error;
    }
  }
}
