import { pbkdf2Sync } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { hash as bcrypt } from 'bcrypt';
import { type mongo, Types } from 'mongoose';
import {
  type MailMessage,
  migrateUsers,
  NotificationService,
  pbkdf2Verifier,
  UsersService,
} from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { expectError, newSession, PASSWORD, sessionOf } from '../support/http.js';

const NEW_PASSWORD = 'nine-Herons-stand-in-the-reeds';

describe.each(ADAPTERS)('an existing collection of users, on %s', (adapter) => {
  let host: HostApp;
  let members: mongo.Collection;
  const sent: MailMessage[] = [];
  const options = {
    collections: { users: 'members', refreshTokens: 'sessions', throttle: 'attempts' },
    users: { fields: { email: 'mail', passwordHash: 'password', name: 'displayName', createdAt: 'joined' } },
    password: { bcryptCost: 4, verifiers: [pbkdf2Verifier()] },
  };

  beforeAll(async () => {
    host = await HostApp.start(adapter, {
      ...options,
      mailer: { send: async (mail) => void sent.push(mail) },
    });
    members = host.connection.collection('members');
  });
  afterAll(() => host.stop());

  const login = (email: string, password = PASSWORD) =>
    host.api().login({ email, password, transport: 'body' });
  const insert = async (fields: object): Promise<Types.ObjectId> =>
    (await members.insertOne({ ...fields })).insertedId;

  it("keeps users, sessions and indexes under the host's names, and creates no others", async () => {
    const session = await newSession(host.api());
    const stored = await members.findOne({ mail: session.email });
    expect(stored).toMatchObject({
      password: expect.stringMatching(/^\$2b\$04\$/),
      joined: expect.any(Date),
    });
    expect(stored).not.toHaveProperty('email');
    expect(await host.connection.collection('sessions').countDocuments({})).toBe(1);
    expect((await host.api().refresh(session.refreshToken)).status).toBe(200);
    const names = (await host.connection.db?.listCollections().toArray())?.map(({ name }) => name);
    expect(names).not.toContain('users');
    expect(names).not.toContain('refresh_tokens');
    const indexes = await members.indexes();
    expect(indexes).toContainEqual(expect.objectContaining({ key: { mail: 1 }, unique: true }));
  });

  it('a document without any field of the library logs in with a token that works, and stays logged in', async () => {
    const _id = await insert({ mail: 'old@example.com', password: await bcrypt(PASSWORD, 4), shoeSize: 43 });
    const session = sessionOf(await login('Old@Example.com'));
    expect((await host.api().me(session.accessToken)).json).toEqual({
      id: _id.toHexString(),
      email: 'old@example.com',
      roles: [],
      createdAt: _id.getTimestamp().toISOString(),
    });
    const refreshed = await host.api().refresh(session.refreshToken);
    expect(refreshed.status).toBe(200);
    expect(await members.findOne({ _id })).toMatchObject({ shoeSize: 43, tokenVersion: expect.any(String) });
    expect(await host.app.get(UsersService).findById(_id.toHexString())).toMatchObject({
      fields: { shoeSize: 43 },
    });
  });

  it('simultaneous first logins all get tokens of one version', async () => {
    await insert({ mail: 'many@example.com', password: await bcrypt(PASSWORD, 4) });
    const answers = await Promise.all(Array.from({ length: 8 }, () => login('many@example.com')));
    for (const answer of answers) {
      const { accessToken, refreshToken } = sessionOf(answer);
      expect((await host.api().me(accessToken)).status).toBe(200);
      expect((await host.api().refresh(refreshToken)).status).toBe(200);
    }
  });

  it('a hash of another system is replaced at the next login', async () => {
    const key = pbkdf2Sync(PASSWORD, 'salt', 1000, 32, 'sha256').toString('base64');
    const _id = await insert({ mail: 'django@example.com', password: `pbkdf2_sha256$1000$salt$${key}` });
    expectError(await login('django@example.com', 'wrong'), 401, 'INVALID_CREDENTIALS');
    expect((await login('django@example.com')).status).toBe(200);
    expect((await members.findOne({ _id }))?.['password']).toMatch(/^\$2b\$04\$/);
    expect((await login('django@example.com')).status).toBe(200);
  });

  it.each([
    ['null', { password: null }],
    ['absent', {}],
  ])(
    'a user whose hash is %s cannot log in with a password, nor change it, but may set one by mail',
    async (what, fields) => {
      const email = `${what}@example.com`;
      await insert({ mail: email, ...fields });
      expectError(await login(email), 401, 'INVALID_CREDENTIALS');
      expectError(await login(email, ''.padEnd(8, 'x')), 401, 'INVALID_CREDENTIALS');
      const users = host.app.get(UsersService);
      const user = await users.findByEmail(email);
      await expect(users.changePassword(user?.id ?? '', PASSWORD, NEW_PASSWORD)).rejects.toMatchObject({
        code: 'PASSWORD_NOT_SET',
      });
      await host.api().post('/auth/forgot-password', { email });
      await host.app.get(NotificationService).idle();
      const mail = sent.find((message) => message.kind === 'password_reset' && message.to === email);
      const token = mail && 'token' in mail ? mail.token : '';
      expect(
        (await host.api().post('/auth/reset-password', { token, newPassword: NEW_PASSWORD })).status,
      ).toBe(204);
      expect((await login(email, NEW_PASSWORD)).status).toBe(200);
    },
  );

  it('migrate-users reports, then fixes what is safe, and nothing twice', async () => {
    const hash = await bcrypt(PASSWORD, 4);
    await members.deleteMany({});
    await insert({ mail: 'Grace@Example.com', password: hash });
    await insert({ mail: 'twice@example.com', password: hash });
    const double = await insert({ mail: 'Twice@example.com', password: hash });
    await insert({ mail: 'strange@example.com', password: 'md5:abc' });
    const counter = await insert({ mail: 'counter@example.com', password: hash, tokenVersion: 7 });
    const before = await members.find().toArray();

    // A misspelt name would lead to other documents.
    for (const odd of [{ collections: { user: 'members' } }, { users: { fields: { mail: 'email' } } }])
      await expect(migrateUsers(host.connection, { ...options, ...(odd as object) })).rejects.toThrow(
        'no such option',
      );

    const dry = await migrateUsers(host.connection, options, { dryRun: true, roles: ['user'] });
    expect(dry).toMatchObject({
      users: 5,
      mixedCaseEmails: 2,
      incomplete: 5,
      unknownHashes: 1,
      withoutPassword: 0,
      unreadable: 1,
      fixed: 4,
      problems: expect.arrayContaining([
        { id: counter.toHexString(), problem: 'tokenVersion is not a text' },
      ]),
    });
    expect(dry.duplicateEmails).toHaveLength(2);
    expect(dry.duplicateEmails).toContain(double.toHexString());
    expect(await members.find().toArray()).toEqual(before);

    expect(await migrateUsers(host.connection, options, { roles: ['user'] })).toEqual(dry);
    expect((await login('grace@example.com')).json.user).toMatchObject({
      email: 'grace@example.com',
      roles: ['user'],
    });
    expect(await members.findOne({ _id: double })).toMatchObject({ mail: 'Twice@example.com' });
    expect(await migrateUsers(host.connection, options)).toMatchObject({
      fixed: 0,
      incomplete: 1,
      mixedCaseEmails: 1,
    });
  });
});
