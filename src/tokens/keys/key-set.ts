import { existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KeyInput } from '../../options/keys/key-spec.js';

/** A key file that cannot be used; the message says why, and never names the value: it may be a secret after all. */
export class KeyFileError extends Error {}

const MIN_SECRET_BYTES = 32;

/** What a variable holds: keys, and what an operator should know of how it was read. */
export interface KeySet {
  readonly keys: KeyInput[];
  /** The file that they were read from; null where the variable holds them itself. */
  readonly path: string | null;
  readonly warning?: string;
}

/**
 * Reads a variable that holds comma-separated secrets, or the path of a JWK set (RFC 7517 §5): an existing file, or whatever begins with `file:`.
 * `silent-auth keys` makes and rotates such files.
 * @throws KeyFileError
 */
export function readKeySet(value: string): KeySet {
  const path = pathOf(value);
  if (path !== null) return { keys: readJwkSet(path), path };
  const secrets = value.split(',').map((secret) => secret.trim());
  // One base64 secret in 64 begins with a slash.
  if (!/^\.{0,2}\//.test(value)) return { keys: secrets, path: null };
  if (secrets.some((secret) => Buffer.byteLength(secret) < MIN_SECRET_BYTES))
    throw new KeyFileError('looks like a path, but there is no such file: check it, or put file: before it');
  const warning = 'begins like a path, but there is no such file: it is taken for a secret.';
  return { keys: secrets, path: null, warning: `${warning} If it is a path, put file: before it.` };
}

/** The path that a variable names; null where it holds secrets. */
export function pathOf(value: string): string | null {
  if (value.startsWith('file://')) return fromFileUrl(value);
  if (value.startsWith('file:')) return value.slice('file:'.length);
  // No secret ends like that; a guessable path must not become one.
  if (value.endsWith('.json') && !value.includes(',')) return value;
  return existsSync(value) && !statSync(value).isDirectory() ? value : null;
}

function fromFileUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new KeyFileError('is no file URL: give file:///path or file:path', { cause });
  }
}

function readJwkSet(path: string): KeyInput[] {
  if (!existsSync(path))
    throw new KeyFileError(
      'names a file that does not exist: check the path, or make the file with silent-auth keys generate',
    );
  const set = readJson(path, 'names a file that') as { keys?: unknown } | null;
  if (!Array.isArray(set?.keys) || set.keys.length === 0)
    throw new KeyFileError('names a file that is no JWK set: it needs a list "keys"');
  return set.keys as KeyInput[];
}

/** Where the reference service keeps keys for development. */
export function developmentKeyFile(dataDir: string): string {
  return join(dataDir, 'development-keys.json');
}

/** @param name begins the message where it cannot be read */
export function readJson(path: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new KeyFileError(`${name} cannot be read as JSON`, { cause });
  }
}
