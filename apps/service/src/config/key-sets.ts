import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { KeyFileError, type KeyInput, type TokenKind } from 'nestjs-silent-auth';
import { developmentKeyFile, newSecret, readJson } from 'nestjs-silent-auth/cli';

/** Where the keys of one kind of token come from. */
export interface KeySource {
  /** Null if the variable holds the keys themselves: they change only with a restart. */
  readonly path: string | null;
  /** The keys at the start. */
  readonly keys: readonly KeyInput[];
  /** @throws KeyFileError if the file is missing or invalid now */
  readAgain(): readonly KeyInput[];
}

export type KeySources = Readonly<Record<TokenKind, KeySource>>;

/** How a service without configured keys gets development keys. */
export type DevelopmentKeys = (dataDir: string, kind: TokenKind) => KeyInput[];

/** Like {@link developmentKeys}, without writing: if none are stored yet, the keys last as long as the process. */
export function developmentKeysWithoutTrace(): DevelopmentKeys {
  const made = { access: [newSecret()], refresh: [newSecret()] };
  return (dataDir, kind) =>
    existsSync(developmentKeyFile(dataDir)) ? developmentKeys(dataDir, kind) : made[kind];
}

/**
 * Random keys, created once and kept in the data directory, so that a restart of a development service logs nobody
 * out.
 */
export function developmentKeys(dataDir: string, kind: TokenKind): KeyInput[] {
  const path = developmentKeyFile(dataDir);
  if (!existsSync(path)) {
    mkdirSync(dataDir, { recursive: true, mode: 0o700 });
    const made = { access: [newSecret()], refresh: [newSecret()] };
    // `wx`: if two services start at once, the second uses the keys of the first.
    try {
      writeFileSync(path, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  return storedDevelopmentKeys(path, kind);
}

/** @throws KeyFileError if the file is missing or invalid */
export function storedDevelopmentKeys(path: string, kind: TokenKind): KeyInput[] {
  const keys = readJson(path, path) as Partial<Record<TokenKind, KeyInput[]>> | null;
  const list = keys?.[kind];
  if (!Array.isArray(list))
    throw new KeyFileError(`${path} holds no ${kind} keys: delete it to create new ones`);
  return list;
}
