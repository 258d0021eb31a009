import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AuthError } from '../../src/core/errors.js';
import type { NewUser, PasswordHasher, UserQuery, UserRecord, UserStore } from '../../src/core/ports.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { BreachCheck } from '../../src/users/breach-check.js';
import { UsersService } from '../../src/users/users.service.js';

const T0 = Date.parse('2026-01-01T00:00:00.000Z');
const OPTIONS = resolveOptions({
  issuer: 'https://api.example.com',
  keys: { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] },
});
const ANN = { email: 'ann@example.com', password: 'correct horse' };

/** Keeps users in a map, under the conditions of the port. */
class InMemoryUserStore implements UserStore {
  readonly users = new Map<string, UserRecord>();

  async findById(id: string) {
    return this.users.get(id) ?? null;
  }

  async findByEmail(email: string) {
    return [...this.users.values()].find((user) => user.email === email) ?? null;
  }

  async create(user: NewUser) {
    if (await this.findByEmail(user.email)) throw new AuthError('EMAIL_TAKEN');
    const record = { ...user, id: `user-${this.users.size + 1}`, disabledAt: null };
    this.users.set(record.id, record);
    return record;
  }

  /** An array, as in stores that read all users that they are asked for. */
  async list({ limit }: UserQuery) {
    return [...this.users.values()].slice(0, limit);
  }

  async setPassword(
    id: string,
    { ifTokenVersion, ...change }: { passwordHash: string; tokenVersion: string; ifTokenVersion: string },
  ) {
    return this.update(id, (user) => user.tokenVersion === ifTokenVersion, change);
  }

  async upgradePasswordHash(
    id: string,
    { passwordHash, ifPasswordHash }: { passwordHash: string; ifPasswordHash: string },
  ) {
    this.update(id, (user) => user.passwordHash === ifPasswordHash, { passwordHash });
  }

  async replaceTokenVersion(id: string, tokenVersion: string) {
    const before = this.users.get(id)?.tokenVersion ?? null;
    this.update(id, () => true, { tokenVersion });
    return before;
  }

  async setEmailVerifiedAt(id: string, emailVerifiedAt: Date) {
    this.update(id, (user) => !user.emailVerifiedAt, { emailVerifiedAt });
  }

  async setDisabledAt(id: string, disabledAt: Date | null) {
    return this.update(id, () => true, { disabledAt });
  }

  private update(id: string, condition: (user: UserRecord) => boolean, change: Partial<UserRecord>): boolean {
    const user = this.users.get(id);
    if (!user || !condition(user)) return false;
    this.users.set(id, { ...user, ...change });
    return true;
  }
}

/** Readable hashes with a cost, so that a test sees what was hashed and verified. */
class TransparentHasher implements PasswordHasher {
  cost = 1;
  hash = jest.fn(async (password: string) => `hash:${this.cost}:${password}`);
  verify = jest.fn(
    async (password: string, stored: string) => stored.split(':').slice(2).join(':') === password,
  );
  needsUpgrade = (stored: string) => Number(stored.split(':')[1]) < this.cost;
}

let store: InMemoryUserStore;
let hasher: TransparentHasher;
let users: UsersService;
let nowMs: number;

beforeEach(async () => {
  store = new InMemoryUserStore();
  hasher = new TransparentHasher();
  nowMs = T0;
  users = new UsersService(OPTIONS, store, hasher, { now: () => nowMs }, new BreachCheck(OPTIONS));
  await users.onModuleInit();
});

describe(UsersService.name, () => {
  it('lists the users of a store that returns an array', async () => {
    const { email } = await users.create({ email: 'ada@example.com' });
    expect(await users.list({ limit: 5 })).toEqual({ users: [expect.objectContaining({ email })] });
  });

  describe('create', () => {
    it('needs only an address: the user has no password, and the role that a registration gives', async () => {
      const user = await users.create({ email: ' Ada@MÜNCHEN.de ' });
      expect(user).toEqual({
        id: 'user-1',
        email: 'ada@xn--mnchen-3ya.de',
        name: undefined,
        roles: ['user'],
        passwordHash: null,
        tokenVersion: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/),
        disabledAt: null,
        emailVerifiedAt: null,
        createdAt: new Date(T0),
      });
      expect((await users.checkPassword('ada@münchen.de', '')).outcome).toBe('no_password');
    });

    it('keeps all fields of an import', async () => {
      const verifiedAt = new Date(T0 - 1);
      const user = await users.create({
        email: 'ada@example.com',
        name: 'Ada',
        roles: ['admin'],
        passwordHash: 'hash:1:correct horse',
        emailVerifiedAt: verifiedAt,
        createdAt: verifiedAt,
        fields: { company: 'Analytical' },
      });
      expect(user).toMatchObject({ name: 'Ada', roles: ['admin'], emailVerifiedAt: verifiedAt });
      expect(user).toMatchObject({ createdAt: verifiedAt, fields: { company: 'Analytical' } });
      expect((await users.checkPassword('ada@example.com', 'correct horse')).outcome).toBe('accepted');
    });

    it('refuses a taken or invalid address, and invalid roles', async () => {
      await users.create({ email: ANN.email });
      await expect(users.create({ email: ANN.email.toUpperCase() })).rejects.toMatchObject({
        code: 'EMAIL_TAKEN',
      });
      for (const odd of [
        { email: 'nobody' },
        { email: 'bob@example.com', roles: [''] },
        { email: 'bob@example.com', roles: ['a', 'a'] },
      ])
        await expect(users.create(odd)).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    });
  });

  describe('register', () => {
    it('stores a hash, a normalised address, the time, and a random token version', async () => {
      const user = await users.register({
        email: '  Ann@Example.COM ',
        password: 'correct horse',
        name: 'Ann',
      });
      expect(user).toEqual({
        id: 'user-1',
        email: 'ann@example.com',
        name: 'Ann',
        roles: ['user'],
        passwordHash: 'hash:1:correct horse',
        tokenVersion: expect.stringMatching(/^[A-Za-z0-9_-]{16}$/),
        disabledAt: null,
        emailVerifiedAt: null,
        createdAt: new Date(T0),
      });
      const other = await users.register({ ...ANN, email: 'bob@example.com' });
      expect(other.tokenVersion).not.toBe(user.tokenVersion);
    });

    it('refuses an address to which no mail can be sent', async () => {
      for (const email of ['', 'nobody', '"<b>"@example.com', 'a@b@example.com'])
        await expect(users.register({ ...ANN, email })).rejects.toMatchObject({ code: 'VALIDATION_FAILED' });
    });

    it('another spelling of an address is the same address', async () => {
      await users.register(ANN);
      await expect(users.register({ ...ANN, email: 'ＡＮＮ@example.com' })).rejects.toMatchObject({
        code: 'EMAIL_TAKEN',
      });
    });

    it('hashes the normalised password, so another keyboard can still log in', async () => {
      await users.register({ ...ANN, password: 'Zu\u0308rich-1933' });
      const check = await users.checkPassword(ANN.email, 'Z\u00fcrich-1933');
      expect(check.outcome).toBe('accepted');
    });

    it('refuses a weak password before it computes a hash', async () => {
      hasher.hash.mockClear();
      await expect(users.register({ ...ANN, password: 'short' })).rejects.toMatchObject({
        code: 'WEAK_PASSWORD',
      });
      await expect(users.register({ ...ANN, password: ANN.email })).rejects.toMatchObject({
        code: 'WEAK_PASSWORD',
      });
      await expect(users.register({ ...ANN, password: 'xy'.repeat(65) })).rejects.toMatchObject({
        code: 'VALIDATION_FAILED',
        fields: [{ field: 'password' }],
      });
      expect(hasher.hash).not.toHaveBeenCalled();
      expect(store.users.size).toBe(0);
    });

    it('assigns the roles of the caller, which no request body can set', async () => {
      expect((await users.register({ ...ANN, roles: ['admin'] })).roles).toEqual(['admin']);
    });
  });

  describe('checkPassword', () => {
    beforeEach(async () => {
      await users.register(ANN);
      hasher.hash.mockClear();
    });

    it('accepts the right password, whatever the spelling of the address', async () => {
      expect(await users.checkPassword(' ANN@example.com', ANN.password)).toMatchObject({
        outcome: 'accepted',
        user: { id: 'user-1' },
      });
    });

    it.each([
      ['the right password', ANN.email, ANN.password, 'accepted'],
      ['a wrong password', ANN.email, 'wrong horse', 'wrong_password'],
      ['an unknown address', 'nobody@example.com', ANN.password, 'unknown_user'],
    ])(
      'costs exactly one verification with %s, so the time does not reveal who has an account',
      async (_case, email, password, outcome) => {
        expect((await users.checkPassword(email, password)).outcome).toBe(outcome);
        expect(hasher.verify).toHaveBeenCalledTimes(1);
        expect(hasher.hash).not.toHaveBeenCalled();
      },
    );

    it("verifies for an unknown address against a real hash of the current cost and of no user's password", async () => {
      await users.checkPassword('nobody@example.com', ANN.password);
      const [password, decoy] = hasher.verify.mock.calls[0] ?? [];
      expect(password).toBe(ANN.password);
      expect(decoy).toMatch(/^hash:1:[A-Za-z0-9_-]{16}$/);
    });

    it('an unknown address is refused even with the password of the decoy hash', async () => {
      await users.checkPassword('nobody@example.com', 'x');
      const decoy = hasher.verify.mock.calls[0]?.[1] ?? '';
      const password = decoy.split(':')[2] ?? '';
      expect(await hasher.verify(password, decoy)).toBe(true);
      expect(await users.checkPassword('nobody@example.com', password)).toEqual({ outcome: 'unknown_user' });
    });

    it('says that an account is disabled only after the right password, in the same time', async () => {
      await users.setDisabled('user-1', true);
      expect((await users.checkPassword(ANN.email, ANN.password)).outcome).toBe('disabled');
      expect((await users.checkPassword(ANN.email, 'wrong horse')).outcome).toBe('wrong_password');
      expect(hasher.verify).toHaveBeenCalledTimes(2);
    });

    it('raises the cost of an old hash at the next login, once', async () => {
      hasher.cost = 2;
      await users.checkPassword(ANN.email, ANN.password);
      expect(store.users.get('user-1')?.passwordHash).toBe('hash:2:correct horse');
      await users.checkPassword(ANN.email, ANN.password);
      expect(hasher.hash).toHaveBeenCalledTimes(1);
    });

    it('raises no cost for a wrong password or a disabled account', async () => {
      hasher.cost = 2;
      await users.checkPassword(ANN.email, 'wrong horse');
      await users.setDisabled('user-1', true);
      await users.checkPassword(ANN.email, ANN.password);
      expect(store.users.get('user-1')?.passwordHash).toBe('hash:1:correct horse');
      expect(hasher.hash).not.toHaveBeenCalled();
    });

    it('an upgrade does not undo a change of password that overtakes it', async () => {
      hasher.cost = 2;
      hasher.hash.mockImplementationOnce(async (password) => {
        await store.setPassword('user-1', {
          passwordHash: 'hash:2:new password',
          tokenVersion: 'next',
          ifTokenVersion: store.users.get('user-1')?.tokenVersion ?? '',
        });
        return `hash:2:${password}`;
      });
      await users.checkPassword(ANN.email, ANN.password);
      expect(store.users.get('user-1')?.passwordHash).toBe('hash:2:new password');
    });

    it('refuses a password that is too long before any look-up or hash, for any address', async () => {
      const findByEmail = jest.spyOn(store, 'findByEmail');
      for (const email of [ANN.email, 'nobody@example.com'])
        await expect(users.checkPassword(email, 'xy'.repeat(65))).rejects.toMatchObject({
          code: 'VALIDATION_FAILED',
          fields: [{ field: 'password' }],
        });
      expect(findByEmail).not.toHaveBeenCalled();
      expect(hasher.verify).not.toHaveBeenCalled();
    });

    it('an unreachable store is an outage, not a wrong password', async () => {
      jest.spyOn(store, 'findByEmail').mockRejectedValue(new AuthError('TEMPORARILY_UNAVAILABLE'));
      await expect(users.checkPassword(ANN.email, ANN.password)).rejects.toMatchObject({
        code: 'TEMPORARILY_UNAVAILABLE',
      });
    });
  });

  describe('changePassword', () => {
    let before: UserRecord;

    beforeEach(async () => {
      before = await users.register({ ...ANN, name: 'Annabel Lee' });
    });

    it('sets the password and a new token version, and returns the retired one', async () => {
      const { user, retiredTokenVersion } = await users.changePassword(
        'user-1',
        ANN.password,
        'battery staple',
      );
      expect(retiredTokenVersion).toBe(before.tokenVersion);
      expect(user.tokenVersion).not.toBe(before.tokenVersion);
      expect(await store.findById('user-1')).toEqual(user);
      expect((await users.checkPassword(ANN.email, ANN.password)).outcome).toBe('wrong_password');
      expect((await users.checkPassword(ANN.email, 'battery staple')).outcome).toBe('accepted');
    });

    it('requires the current password: a stolen access token is not enough', async () => {
      await expect(users.changePassword('user-1', 'wrong horse', 'battery staple')).rejects.toMatchObject({
        code: 'INVALID_CREDENTIALS',
        message: 'The current password is wrong.',
      });
      expect(await store.findById('user-1')).toEqual(before);
    });

    it('checks the new password against the policy, under its own field, and against the user’s name and address', async () => {
      for (const weak of ['short', 'Annabel Lee', ANN.email])
        await expect(users.changePassword('user-1', ANN.password, weak)).rejects.toMatchObject({
          code: 'WEAK_PASSWORD',
        });
      await expect(users.changePassword('user-1', ANN.password, 'xy'.repeat(65))).rejects.toMatchObject({
        fields: [{ field: 'newPassword' }],
      });
      expect(await store.findById('user-1')).toEqual(before);
    });

    it('a change with a lost answer counts as done; one that was not made fails', async () => {
      const setPassword = store.setPassword.bind(store);
      const lost = new AuthError('TEMPORARILY_UNAVAILABLE');
      store.setPassword = () => Promise.reject(lost);
      const change = () => users.changePassword('user-1', ANN.password, 'battery staple');
      await expect(change()).rejects.toBe(lost);
      expect(await store.findById('user-1')).toEqual(before);
      store.setPassword = async (...args) => {
        await setPassword(...args);
        throw lost;
      };
      expect((await change()).user).toEqual(await store.findById('user-1'));
    });

    it('of two concurrent changes one wins, and the other fails with a wrong current password', async () => {
      const results = await Promise.allSettled([
        users.changePassword('user-1', ANN.password, 'battery staple'),
        users.changePassword('user-1', ANN.password, 'another staple'),
      ]);
      expect(results.map(({ status }) => status)).toEqual(['fulfilled', 'rejected']);
      expect(results[1]).toMatchObject({ reason: { code: 'INVALID_CREDENTIALS' } });
      expect((await users.checkPassword(ANN.email, 'battery staple')).outcome).toBe('accepted');
      expect((await users.checkPassword(ANN.email, 'another staple')).outcome).toBe('wrong_password');
    });

    it('computes no hash for a new password that the policy refuses, or for a user who is gone', async () => {
      await expect(users.changePassword('user-1', ANN.password, 'short')).rejects.toMatchObject({
        code: 'WEAK_PASSWORD',
      });
      await expect(users.changePassword('user-9', ANN.password, 'battery staple')).rejects.toMatchObject({
        code: 'INVALID_CREDENTIALS',
      });
      expect(hasher.verify).not.toHaveBeenCalled();
    });
  });

  describe('resetPassword', () => {
    it('sets the password once: of two simultaneous links, the second finds another version', async () => {
      const ann = await users.register(ANN);
      const results = await Promise.all(
        ['a new password', 'another one'].map((password) => users.resetPassword(ann, password)),
      );
      expect(results).toEqual([true, false]);
      expect(store.users.get(ann.id)?.passwordHash).toBe('hash:1:a new password');
      expect(store.users.get(ann.id)?.tokenVersion).not.toBe(ann.tokenVersion);
    });

    it('checks a new password by the rules of a registration', async () => {
      const ann = await users.register(ANN);
      for (const password of ['short', 'password1', ANN.email])
        await expect(users.resetPassword(ann, password)).rejects.toMatchObject({ code: 'WEAK_PASSWORD' });
    });
  });

  describe('verifyEmail', () => {
    it('stores when the address was first verified; one vouched for at registration needs no link', async () => {
      const ann = await users.register(ANN);
      const bob = await users.register({ ...ANN, email: 'bob@example.com', isEmailVerified: true });
      expect([ann.emailVerifiedAt, bob.emailVerifiedAt]).toEqual([null, new Date(T0)]);
      await users.verifyEmail(ann.id);
      expect(store.users.get(ann.id)?.emailVerifiedAt).toEqual(new Date(T0));
    });
  });

  describe('retireTokenVersion', () => {
    it('returns the retired version and sets a new one; two simultaneous calls retire two different ones', async () => {
      const { tokenVersion } = await users.register(ANN);
      const [first, second] = await Promise.all([
        users.retireTokenVersion('user-1'),
        users.retireTokenVersion('user-1'),
      ]);
      expect(first).toBe(tokenVersion);
      expect(second).not.toBe(tokenVersion);
      expect([first, second]).not.toContain(store.users.get('user-1')?.tokenVersion);
    });

    it('is null for an unknown user', async () => {
      expect(await users.retireTokenVersion('user-9')).toBeNull();
    });
  });

  describe('setDisabled', () => {
    it("stores the time, by the library's clock, and removes it again", async () => {
      await users.register(ANN);
      nowMs = T0 + 5000;
      expect(await users.setDisabled('user-1', true)).toBe(true);
      expect(store.users.get('user-1')?.disabledAt).toEqual(new Date(T0 + 5000));
      expect(await users.setDisabled('user-1', false)).toBe(true);
      expect(store.users.get('user-1')?.disabledAt).toBeNull();
    });

    it('is false for an unknown user', async () => {
      expect(await users.setDisabled('user-9', true)).toBe(false);
    });
  });

  it('finds a user by any spelling of the address', async () => {
    await users.register(ANN);
    expect((await users.findByEmail('Ann@EXAMPLE.com '))?.id).toBe('user-1');
    expect(await users.findByEmail('bob@example.com')).toBeNull();
    expect((await users.findById('user-1'))?.email).toBe(ANN.email);
  });
});
