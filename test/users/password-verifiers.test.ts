import * as crypto from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { argon2Verifier, pbkdf2Verifier, scryptVerifier } from '../../src/index.js';
import { BcryptPasswordHasher } from '../../src/users/bcrypt-password-hasher.js';
import { VerifyingPasswordHasher } from '../../src/users/verifying-password-hasher.js';

const PASSWORD = 'correct horse';
const SALT = Buffer.from('0123456789abcdef');
const base64 = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '');
const ofPasslib = (bytes: Buffer) => base64(bytes).replaceAll('+', '.');

function scryptHash(ln = 12, key?: Buffer): string {
  const made = key ?? crypto.scryptSync(PASSWORD, SALT, 32, { N: 2 ** ln, r: 8, p: 1 });
  return `$scrypt$ln=${ln},r=8,p=1$${base64(SALT)}$${base64(made)}`;
}

function pbkdf2(digest: string, bytes: number): Buffer {
  return crypto.pbkdf2Sync(PASSWORD, SALT, 1000, bytes, digest);
}

const GOOD: [string, string][] = [
  ['scrypt', scryptHash()],
  ['PBKDF2 of passlib, SHA-1', `$pbkdf2$1000$${ofPasslib(SALT)}$${ofPasslib(pbkdf2('sha1', 20))}`],
  ['PBKDF2 of passlib, SHA-256', `$pbkdf2-sha256$1000$${ofPasslib(SALT)}$${ofPasslib(pbkdf2('sha256', 32))}`],
  ['PBKDF2 in PHC form', `$pbkdf2-sha512$i=1000,l=64$${base64(SALT)}$${base64(pbkdf2('sha512', 64))}`],
  ['PBKDF2 of Django', `pbkdf2_sha256$1000$${SALT.toString()}$${pbkdf2('sha256', 32).toString('base64')}`],
];
const VERIFIERS = [scryptVerifier(), pbkdf2Verifier()];
const verifierOf = (hash: string) => VERIFIERS.find((verifier) => verifier.matches(hash));

describe('hashes of other systems', () => {
  it.each(GOOD)('%s: accepts the right password, and no other', async (_what, hash) => {
    expect(await verifierOf(hash)?.verify(PASSWORD, hash)).toBe(true);
    expect(await verifierOf(hash)?.verify('correct horsf', hash)).toBe(false);
    expect(await verifierOf(hash)?.verify('', hash)).toBe(false);
  });

  // From the documentation of passlib.
  it.each([
    '$pbkdf2-sha256$6400$.6UI/S.nXIk8jcbdHx3Fhg$98jZicV16ODfEsEZeYPGHU3kbrUrvUEXOPimVSQDD44',
    '$scrypt$ln=16,r=8,p=1$aM15713r3Xsvxbi31lqr1Q$nFNh2CVHVjNldFVKDHDlm4CbdRSCdEBsjjJxD+iCs5E',
  ])('passlib’s own %s', async (hash) => {
    expect(await verifierOf(hash)?.verify('password', hash)).toBe(true);
    expect(await verifierOf(hash)?.verify('passwore', hash)).toBe(false);
  });

  it.each([
    ['a bcrypt hash', '$2b$10$abcdefghijklmnopqrstuuO5IEYKO5pZ1TrGX1YbYcbOqH4Bxu6Uy'],
    ['nothing', ''],
    ['a plain text', PASSWORD],
    ['a hash cut short', '$scrypt$ln=12,r=8,p=1$MDEy'],
    ['an unknown digest', 'pbkdf2_md5$1000$salt$AAAA'],
  ])('leaves %s to other verifiers', (_what, hash) => {
    expect(verifierOf(hash)).toBeUndefined();
  });

  it.each([
    ['takes more memory than a hash may', scryptHash(30, Buffer.alloc(32))],
    ['has an empty key', `$scrypt$ln=12,r=8,p=1$${base64(SALT)}$A`],
    ['has parameters that scrypt refuses', `$scrypt$ln=0,r=8,p=1$${base64(SALT)}$${base64(SALT)}`],
    ['has no rounds', `$pbkdf2-sha256$0$${base64(SALT)}$${base64(SALT)}`],
    ['would take forever', `$pbkdf2-sha256$99999999$${base64(SALT)}$${base64(SALT)}`],
  ])('is false at once for a hash that %s', async (_what, hash) => {
    const from = performance.now();
    expect(await verifierOf(hash)?.verify(PASSWORD, hash)).toBe(false);
    expect(performance.now() - from).toBeLessThan(10_000);
  });
});

describe('argon2Verifier', () => {
  const HASH = '$argon2id$v=19$m=65536,t=3,p=4$c29tZXNhbHQ$gfwq1ZbwQxLq3eQ3l2uNw0q1oZ3o0bq9v0oK1o0qkqE';

  it('uses the package that it is given', async () => {
    const verifier = argon2Verifier({
      verify: async (hash, password) => hash === HASH && password === PASSWORD,
    });
    expect(verifier.matches(HASH)).toBe(true);
    expect(verifier.matches('$2b$10$x')).toBe(false);
    expect(await verifier.verify(PASSWORD, HASH)).toBe(true);
    expect(await verifier.verify('other', HASH)).toBe(false);
  });

  it('is false if the package throws', async () => {
    const verifier = argon2Verifier({ verify: () => Promise.reject(new Error('not a hash')) });
    expect(await verifier.verify(PASSWORD, '$argon2id$broken')).toBe(false);
  });

  const hasNative = 'argon2' in crypto;
  (hasNative ? it : it.skip)('uses the Argon2 of Node', async () => {
    // From the tests of the reference implementation.
    const hash = '$argon2id$v=19$m=256,t=2,p=1$c29tZXNhbHQ$nf65EOgLrQMR/uIPnA4rEsF5h7TKyQwu9U1bMCHGi/4';
    expect(await argon2Verifier().verify('password', hash)).toBe(true);
    expect(await argon2Verifier().verify('passwore', hash)).toBe(false);
  });
  (hasNative ? it.skip : it)('names the package to install if Node has no Argon2', () => {
    expect(() => argon2Verifier()).toThrow(/install the package 'argon2'/);
  });
});

describe('VerifyingPasswordHasher', () => {
  const bcrypt = new BcryptPasswordHasher(4);
  const hasher = new VerifyingPasswordHasher(bcrypt, VERIFIERS);

  it('verifies both forms, and asks to replace only those of other systems', async () => {
    const own = await hasher.hash(PASSWORD);
    expect(await hasher.verify(PASSWORD, own)).toBe(true);
    expect(hasher.needsUpgrade(own)).toBe(false);
    expect(await hasher.verify(PASSWORD, scryptHash())).toBe(true);
    expect(hasher.needsUpgrade(scryptHash())).toBe(true);
  });

  it('takes as long to refuse a cheap hash as one of its own', async () => {
    const slow = new VerifyingPasswordHasher(new BcryptPasswordHasher(10), VERIFIERS);
    const own = await slow.hash(PASSWORD);
    const timed = async (stored: string) => {
      const from = performance.now();
      await slow.verify('wrong', stored);
      return performance.now() - from;
    };
    const ownMs = Math.min(await timed(own), await timed(own));
    expect(await timed(scryptHash(4))).toBeGreaterThan(ownMs / 2);
  });

  it('treats an exception of a verifier as a wrong password', async () => {
    const broken = { matches: () => true, verify: () => Promise.reject(new Error('broken')) };
    expect(await new VerifyingPasswordHasher(bcrypt, [broken]).verify(PASSWORD, 'x')).toBe(false);
  });
});
