import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KeyInput } from '../index.js';

/** A key file that cannot be used; the message says why. */
export class KeyFileError extends Error {}

/** Comma-separated secrets, or the path of a JWK set (RFC 7517 §5). */
export function readKeySet(value: string): KeyInput[] {
  if (/^[./]|\.json$/.test(value) && !value.includes(',')) return readJwkSet(value);
  return value.split(',').map((secret) => secret.trim());
}

function readJwkSet(path: string): KeyInput[] {
  const set = readJson(path) as { keys?: unknown } | null;
  if (!Array.isArray(set?.keys) || set.keys.length === 0)
    throw new KeyFileError(`${path} is no JWK set: it needs a list "keys"`);
  return set.keys as KeyInput[];
}

/** Random keys made once and kept in the data directory, so that a restart of a development service logs nobody out. */
export function developmentKeys(dataDir: string, kind: 'access' | 'refresh'): KeyInput[] {
  const path = join(dataDir, 'development-keys.json');
  if (!existsSync(path)) {
    mkdirSync(dataDir, { recursive: true });
    const made = { access: [newSecret()], refresh: [newSecret()] };
    // `wx`: of two services that start at once the second uses the keys of the first.
    try {
      writeFileSync(path, `${JSON.stringify(made, null, 2)}\n`, { mode: 0o600, flag: 'wx' });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    }
  }
  const keys = readJson(path) as Partial<Record<'access' | 'refresh', KeyInput[]>> | null;
  const list = keys?.[kind];
  if (!Array.isArray(list))
    throw new KeyFileError(`${path} holds no ${kind} keys: delete it to have new ones made`);
  return list;
}

function newSecret(): string {
  return randomBytes(48).toString('base64url');
}

function readJson(path: string): unknown {
  try {
    return JSON.parse(readFileSync(path, 'utf8'));
  } catch (cause) {
    throw new KeyFileError(`${path} cannot be read as JSON`, { cause });
  }
}
