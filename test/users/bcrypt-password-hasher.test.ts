import { createHash } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import bcrypt from 'bcrypt';
import { BcryptPasswordHasher } from '../../src/users/bcrypt-password-hasher.js';

/** The lowest cost: these tests are about the form of hashes, not their strength. */
const COST = 4;
const hasher = new BcryptPasswordHasher(COST);
const MARKED = /^sha384:\$2b\$04\$[./A-Za-z0-9]{53}$/;
const PLAIN = /^\$2b\$04\$[./A-Za-z0-9]{53}$/;

describe(BcryptPasswordHasher.name, () => {
  it('verifies the password it hashed and no other', async () => {
    const stored = await hasher.hash('correct horse');
    expect(stored).toMatch(PLAIN);
    expect(await hasher.verify('correct horse', stored)).toBe(true);
    for (const wrong of ['correct horsf', 'correct hors', 'correct horse ', 'Correct horse', ''])
      expect(await hasher.verify(wrong, stored)).toBe(false);
  });

  it('salts: the same password never has the same hash', async () => {
    expect(await hasher.hash('correct horse')).not.toBe(await hasher.hash('correct horse'));
  });

  it('hashes with the cost it was given', async () => {
    expect(await new BcryptPasswordHasher(5).hash('correct horse')).toMatch(/^\$2b\$05\$/);
    expect(await new BcryptPasswordHasher(5).hash('x'.repeat(100))).toMatch(/^sha384:\$2b\$05\$/);
  });

  describe('at the 72 bytes where bcrypt stops reading (ASVS 6.2.8)', () => {
    it.each([
      [71, PLAIN],
      [72, MARKED],
      [73, MARKED],
      [128, MARKED],
    ])('every byte of a password of %d bytes counts', async (length, form) => {
      const password = 'x'.repeat(length - 1) + 'y';
      const stored = await hasher.hash(password);
      expect(stored).toMatch(form);
      expect(await hasher.verify(password, stored)).toBe(true);
      expect(await hasher.verify('x'.repeat(length - 1) + 'z', stored)).toBe(false);
      expect(await hasher.verify(password.slice(0, -1), stored)).toBe(false);
      expect(await hasher.verify(`${password}y`, stored)).toBe(false);
    });

    it('counts bytes, not characters', async () => {
      expect(await hasher.hash('ä'.repeat(35))).toMatch(PLAIN);
      const stored = await hasher.hash('ä'.repeat(36) + 'b');
      expect(stored).toMatch(MARKED);
      expect(await hasher.verify('ä'.repeat(36) + 'c', stored)).toBe(false);
    });
  });

  it('a NUL byte does not end the password', async () => {
    const stored = await hasher.hash('before\0after');
    expect(stored).toMatch(MARKED);
    expect(await hasher.verify('before\0after', stored)).toBe(true);
    for (const wrong of ['before', 'before\0', 'before\0other'])
      expect(await hasher.verify(wrong, stored)).toBe(false);
    expect(await hasher.verify('before\0after', await hasher.hash('before'))).toBe(false);
  });

  it('a thief of the table cannot log in with the pre-hash of a marked hash', async () => {
    const password = 'x'.repeat(80);
    const stored = await hasher.hash(password);
    // The pre-hash, typed as a password, is measured and pre-hashed like any other.
    const preHash = createHash('sha384').update(password).digest('base64');
    expect(await bcrypt.compare(preHash, stored.slice('sha384:'.length))).toBe(true);
    expect(await hasher.verify(preHash, stored)).toBe(false);
  });

  describe('with hashes from other systems', () => {
    it('verifies plain bcrypt, also of $2a$', async () => {
      const plain = await bcrypt.hash('correct horse', COST);
      const older = plain.replace('$2b$', '$2a$');
      for (const stored of [plain, older]) {
        expect(await hasher.verify('correct horse', stored)).toBe(true);
        expect(await hasher.verify('correct horsf', stored)).toBe(false);
      }
    });

    it('verifies a plain hash of a long password, so a migration locks nobody out', async () => {
      const password = 'x'.repeat(100);
      expect(await hasher.verify(password, await bcrypt.hash(password, COST))).toBe(true);
      expect(await hasher.verify('y'.repeat(100), await bcrypt.hash(password, COST))).toBe(false);
    });

    it.each([
      '',
      'correct horse',
      '$argon2id$v=19$m=65536,t=3,p=4$c2FsdA$aGFzaA',
      '$2b$04$short',
      'sha384:',
      'sha384:sha384:',
      '{bcrypt}x',
      '\0',
    ])('an unknown hash is a wrong password, not an error: %j', async (stored) => {
      expect(await hasher.verify('correct horse', stored)).toBe(false);
      expect(await hasher.verify('x'.repeat(100), stored)).toBe(false);
    });

    it("something from a host's store that is not even text is a wrong password, too", async () => {
      for (const stored of [undefined, null, 5, {}])
        expect(await hasher.verify('correct horse', stored as never)).toBe(false);
    });
  });

  describe('needsUpgrade', () => {
    const stronger = new BcryptPasswordHasher(COST + 1);

    it.each(['short password', 'long password'.repeat(10)])(
      'asks for a higher cost at the next login (%s)',
      async (password) => {
        const stored = await hasher.hash(password);
        expect(hasher.needsUpgrade(stored)).toBe(false);
        expect(stronger.needsUpgrade(stored)).toBe(true);
        expect(stronger.needsUpgrade(await stronger.hash(password))).toBe(false);
      },
    );

    it('never lowers the cost of a hash', async () => {
      expect(hasher.needsUpgrade(await stronger.hash('correct horse'))).toBe(false);
    });

    it('asks to replace every unknown form', () => {
      for (const stored of ['', 'x', '$argon2id$v=19$m=65536', 'sha384:', 'sha384:x'])
        expect(hasher.needsUpgrade(stored)).toBe(true);
    });
  });

  it('distinguishes a password from its own repetition, which plain bcrypt confuses for short ones', async () => {
    const hasher = new BcryptPasswordHasher(4);
    const stored = await hasher.hash('abc');
    expect(await hasher.verify('abc\0abc', stored)).toBe(false);
  });

  it("verifies PHP's $2y$ hashes", async () => {
    const hasher = new BcryptPasswordHasher(4);
    const stored = (await hasher.hash('from another house')).replace('$2b$', '$2y$');
    expect(await hasher.verify('from another house', stored)).toBe(true);
    expect(await hasher.verify('from another horse', stored)).toBe(false);
  });
});
