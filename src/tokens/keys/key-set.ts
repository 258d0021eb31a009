import { existsSync, readFileSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { KeyInput } from '../../options/keys/key-spec.js';

/** A key file that cannot be used. The message says why, and never contains the value, because it may be a secret. */
export class KeyFileError extends Error {}

const MIN_SECRET_BYTES = 32;

/** The keys in a variable, and a warning for the operator if its meaning is unclear. */
export interface KeySet {
  readonly keys: KeyInput[];
  /**
   * The absolute path of the file that they were read from; null if the variable holds the keys itself. To read the file
   * again, give `file:` and this path: then a file that is missing for a moment is an error, and its path no secret.
   */
  readonly path: string | null;
  readonly warning?: string;
}

/**
 * Reads a variable that holds comma-separated secrets or the path of a JWK set (RFC 7517 §5). A value is a path if it
 * names an existing file or begins with `file:`. `silent-auth keys` makes and rotates such files.
 * @throws KeyFileError
 */
export function readKeySet(value: string): KeySet {
  const path = pathOf(value);
  if (path !== null) return { keys: readJwkSet(path), path: resolve(path) };
  const secrets = value.split(',').map((secret) => secret.trim());
  // Not always a path: one base64 secret in 64 begins with a slash.
  if (!/^\.{0,2}\//.test(value)) return { keys: secrets, path: null };
  if (secrets.some((secret) => Buffer.byteLength(secret) < MIN_SECRET_BYTES))
    throw new KeyFileError('looks like a path, but there is no such file: check it, or put file: before it');
  const warning = 'begins like a path, but there is no such file: it is used as a secret.';
  return { keys: secrets, path: null, warning: `${warning} If it is a path, put file: before it.` };
}

/** The path that a variable names; null if it holds secrets. */
export function pathOf(value: string): string | null {
  if (value.startsWith('file://')) return fromFileUrl(value);
  if (value.startsWith('file:')) return value.slice('file:'.length);
  // No secret ends in `.json`, and a guessable path must not become a secret.
  if (value.endsWith('.json') && !value.includes(',')) return value;
  return isFile(value) ? value : null;
}

function isFile(value: string): boolean {
  try {
    return statSync(value, { throwIfNoEntry: false })?.isDirectory() === false;
  } catch {
    // Not even a possible path: too long, or with a null byte.
    return false;
  }
}

function fromFileUrl(url: string): string {
  try {
    return fileURLToPath(url);
  } catch (cause) {
    throw new KeyFileError('is not a file URL: give file:///path or file:path', { cause });
  }
}

function readJwkSet(path: string): KeyInput[] {
  if (!existsSync(path))
    throw new KeyFileError(
      'names a file that does not exist: check the path, or make the file with silent-auth keys generate',
    );
  const set = readJson(path, 'names a file that') as { keys?: unknown } | null;
  if (!Array.isArray(set?.keys) || set.keys.length === 0)
    throw new KeyFileError('names a file that is not a JWK set: it needs a list "keys"');
  return set.keys as KeyInput[];
}

/** Where the reference service keeps keys for development. */
export function developmentKeyFile(dataDir: string): string {
  return join(dataDir, 'development-keys.json');
}

/** @param name start of the error message if the file cannot be read */
export function readJson(path: string, name: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new KeyFileError(`${name} cannot be read as JSON`, { cause });
  }
}
