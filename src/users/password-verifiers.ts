import * as crypto from 'node:crypto';
import { promisify } from 'node:util';
import type { PasswordVerifier } from '../core/ports.js';

/** Maximum memory of one scrypt hash, so that a damaged or planted hash cannot exhaust the machine. */
const MAX_SCRYPT_BYTES = 256 * 1024 * 1024;
const MAX_PBKDF2_ROUNDS = 10_000_000;
const MAX_KEY_BYTES = 128;

const scrypt = promisify<crypto.BinaryLike, crypto.BinaryLike, number, crypto.ScryptOptions, Buffer>(
  crypto.scrypt,
);
const pbkdf2 = promisify(crypto.pbkdf2);

const SCRYPT = /^\$scrypt\$ln=(\d{1,2}),r=(\d{1,3}),p=(\d{1,3})\$([\w+./-]+)\$([\w+./-]+)=*$/;

/**
 * scrypt in the PHC string format, as passlib writes it: `$scrypt$ln=15,r=8,p=1$<salt>$<hash>`, salt and hash in Base64
 * without padding.
 */
export function scryptVerifier(): PasswordVerifier {
  return {
    matches: (hash) => SCRYPT.test(hash),
    verify: async (password, hash) => {
      const [, ln = '', r = '', p = '', salt = '', key = ''] = SCRYPT.exec(hash) ?? [];
      const [N, blockSize, parallelization] = [2 ** Number(ln), Number(r), Number(p)];
      const maxmem = 128 * N * blockSize + 128 * blockSize * parallelization + 1024 * 1024;
      const expected = bytesOf(key);
      if (maxmem > MAX_SCRYPT_BYTES || !isKey(expected)) return false;
      const options = { N, r: blockSize, p: parallelization, maxmem };
      return verifyBy(expected, () => scrypt(password, bytesOf(salt), expected.length, options));
    },
  };
}

/** passlib: rounds, salt, hash. The PHC format writes the rounds as `i=…`, and may include the length as `l=…`. */
const PBKDF2 =
  /^\$pbkdf2(?:-(sha1|sha256|sha512))?\$(?:i=)?(\d{1,8})(?:,l=\d{1,3})?\$([\w+./-]+)\$([\w+./-]+)=*$/;
/** Django: the salt is text, the hash Base64 with padding. */
const DJANGO = /^pbkdf2_(sha1|sha256|sha512)\$(\d{1,8})\$([^$]+)\$([\w+/]+={0,2})$/;

/**
 * PBKDF2 in the forms of passlib (`$pbkdf2-sha256$29000$<salt>$<hash>`), of the PHC string format
 * (`$pbkdf2-sha256$i=29000$<salt>$<hash>`) and of Django (`pbkdf2_sha256$600000$<salt>$<hash>`), with SHA-1, SHA-256 or
 * SHA-512.
 */
export function pbkdf2Verifier(): PasswordVerifier {
  return {
    matches: (hash) => PBKDF2.test(hash) || DJANGO.test(hash),
    verify: async (password, hash) => {
      const ofDjango = DJANGO.exec(hash);
      const [, digest = 'sha1', rounds = '', salt = '', key = ''] = ofDjango ?? PBKDF2.exec(hash) ?? [];
      const expected = bytesOf(key);
      const iterations = Number(rounds);
      if (iterations < 1 || iterations > MAX_PBKDF2_ROUNDS || !isKey(expected)) return false;
      const saltBytes = ofDjango ? Buffer.from(salt) : bytesOf(salt);
      return verifyBy(expected, () => pbkdf2(password, saltBytes, iterations, expected.length, digest));
    },
  };
}

/** The part of the package `argon2`, or of a similar one, that is needed. */
export interface Argon2Package {
  verify(hash: string, password: string): Promise<boolean>;
}

const ARGON2 = /^\$argon2(id|i|d)\$v=19\$m=(\d{1,7}),t=(\d{1,3}),p=(\d{1,3})\$([\w+/]+)\$([\w+/]+)$/;
/** In kibibytes. */
const MAX_ARGON2_MEMORY = 1024 * 1024;

/**
 * Argon2 in the PHC string format: `$argon2id$v=19$m=65536,t=3,p=4$<salt>$<hash>`.
 * @param argon2 the package `argon2`, which you install. Without it, Node's own Argon2 is used (Node 24.7 or later).
 * @throws Error if neither is available
 * @example
 * import argon2 from 'argon2';
 * const password = { verifiers: [argon2Verifier(argon2)] };
 */
export function argon2Verifier(argon2: Argon2Package | null = null): PasswordVerifier {
  const native = (crypto as { argon2?: NativeArgon2 }).argon2;
  if (!argon2 && !native)
    throw new Error(
      "argon2Verifier: this version of Node has no Argon2 (24.7 has): install the package 'argon2' and pass it, argon2Verifier(argon2)",
    );
  return {
    matches: (hash) => hash.startsWith('$argon2'),
    verify: async (password, hash) => {
      if (argon2) return argon2.verify(hash, password).catch(() => false);
      return native ? verifyNatively(native, password, hash) : false;
    },
  };
}

/** `crypto.argon2`, which is missing in the types of this Node version. */
type NativeArgon2 = (
  algorithm: string,
  parameters: Readonly<
    Record<'message' | 'nonce', Buffer> & Record<'parallelism' | 'tagLength' | 'memory' | 'passes', number>
  >,
  callback: (error: Error | null, key: Buffer) => void,
) => void;

async function verifyNatively(argon2: NativeArgon2, password: string, hash: string): Promise<boolean> {
  const [, kind = '', memory = '', passes = '', parallelism = '', salt = '', key = ''] =
    ARGON2.exec(hash) ?? [];
  const expected = bytesOf(key);
  if (!isKey(expected) || Number(memory) > MAX_ARGON2_MEMORY) return false;
  const parameters = {
    message: Buffer.from(password),
    nonce: bytesOf(salt),
    parallelism: Number(parallelism),
    tagLength: expected.length,
    memory: Number(memory),
    passes: Number(passes),
  };
  return verifyBy(
    expected,
    () =>
      new Promise((resolve, reject) =>
        argon2(`argon2${kind}`, parameters, (error, made) => (error ? reject(error) : resolve(made))),
      ),
  );
}

/** Decodes both Base64 alphabets; passlib writes `.` for `+`. */
function bytesOf(text: string): Buffer {
  return Buffer.from(text.replaceAll('.', '+'), 'base64');
}

/** A key of only a few bytes would match by chance. */
function isKey(bytes: Buffer): boolean {
  return bytes.length >= 16 && bytes.length <= MAX_KEY_BYTES;
}

/** Refuses parameters that the library rejects, like a hash of unknown form. */
async function verifyBy(expected: Buffer, derive: () => Promise<Buffer>): Promise<boolean> {
  try {
    return crypto.timingSafeEqual(expected, await derive());
  } catch {
    return false;
  }
}
