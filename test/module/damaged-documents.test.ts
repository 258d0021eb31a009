import { afterAll, afterEach, beforeAll, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { mongo, Types } from 'mongoose';
import { AuditService, AuthService, type MailMessage, NotificationService } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { anotherSession, expectError, newSession, PASSWORD, type Session } from '../support/http.js';

const BYTES = new mongo.Binary(Buffer.from('bytes'));

function predecessor(change: object) {
  const sound = { hash: 'hash', sealed: 'sealed', rotatedAt: new Date() };
  return { $set: { predecessors: [{ ...sound, ...change }] } };
}

function abandoned(change: object) {
  const sound = { hash: BYTES, sealed: BYTES, abandonedAt: new Date() };
  return { $set: { abandoned: [{ ...sound, ...change }] } };
}

describe.each(ADAPTERS)('a document that another program damaged, on %s', (adapter) => {
  let host: HostApp;
  const sent: MailMessage[] = [];

  beforeAll(async () => {
    host = await HostApp.start(adapter, {
      mailer: { send: async (message) => void sent.push(message) },
      revocation: { pollInterval: 1 },
    });
  });
  afterAll(() => host.stop());
  afterEach(() => {
    jest.restoreAllMocks();
  });

  const damage = (collection: string, id: unknown, update: object) =>
    host.connection.collection(collection).updateOne({ _id: id as never }, update);
  const sessions = async ({ accessToken }: Session) => host.api().sessions(accessToken);

  it.each<[string, object]>([
    ['without a device', { $unset: { device: 1 } }],
    ['with an invalid use', { $set: { recentUses: ['x'] } }],
    ['with a single predecessor instead of a list', { $set: { predecessors: {} } }],
    ['with text for a date', { $set: { createdAt: '2026-01-01' } }],
    ['with text for the bytes of an attempt', predecessor({ attempt: 'text' })],
    ['with text for the time of a displacement', predecessor({ displacedAt: 'yesterday' })],
    ['with abandoned secrets without bytes', abandoned({ hash: {} })],
    ['with text for the attempt of an abandoned secret', abandoned({ attempt: 'text' })],
    ['with text for its earlier attempts', predecessor({ formerAttempts: ['text'] })],
    ['with a number for a fingerprint', { $set: { 'device.fingerprint': 5 } }],
    ['without a fingerprint', { $unset: { 'device.fingerprint': 1 } }],
    ['with a number for a user agent', { $set: { 'device.userAgent': 5 } }],
    ['with a number for the user agent of a use', { $set: { 'recentUses.0.userAgent': 5 } }],
    ['with a number for a key', { $set: { jkt: 5 } }],
    ['without a user’s token version', { $unset: { tokenVersion: 1 } }],
  ])('a session %s ends, is reported, and does not block its user', async (_what, update) => {
    const warned: string[] = [];
    jest
      .spyOn(Logger.prototype, 'warn')
      .mockImplementation((line: unknown) => void warned.push(String(line)));
    const damaged = await newSession(host.api());
    await damage('refresh_tokens', new Types.ObjectId(damaged.id), update);

    const next = await anotherSession(host.api(), damaged.email, { deviceId: 'phone' });
    const list = await sessions(next);
    expect(list.status).toBe(200);
    expect(list.json.map(({ id }: { id: string }) => id)).toEqual([next.id]);
    expectError(await host.api().refresh(damaged.refreshToken), 401, 'REFRESH_TOKEN_UNKNOWN');
    expect((await host.api().refresh(next.refreshToken)).status).toBe(200);
    expect((await host.api().post('/auth/logout-all', {}, { token: next.accessToken })).status).toBe(204);
    expect(warned.filter((line) => line.includes(damaged.id))).toHaveLength(1);
  });

  it('a session without its lists continues', async () => {
    const session = await newSession(host.api());
    const id = new Types.ObjectId(session.id);
    await damage('refresh_tokens', id, { $unset: { recentUses: 1, predecessors: 1 } });
    expect((await sessions(session)).json).toHaveLength(1);
    expect((await host.api().refresh(session.refreshToken)).status).toBe(200);
    await anotherSession(host.api(), session.email);
  });

  it.each<[string, object]>([
    ['with a number for a hash', { $set: { passwordHash: 1 } }],
    ['with a counter for a token version', { $set: { tokenVersion: 0 } }],
    ['with a single role instead of a list', { $set: { roles: 'admin' } }],
    ['with true for a date', { $set: { disabledAt: true } }],
  ])('a user %s is unknown', async (_what, update) => {
    const session = await newSession(host.api());
    await damage('users', new Types.ObjectId(session.userId), update);
    expectError(
      await host.api().login({ email: session.email, password: PASSWORD }),
      401,
      'INVALID_CREDENTIALS',
    );
    expectError(await host.api().me(session.accessToken), 401, 'ACCESS_TOKEN_REVOKED');
    const refreshed = await host.api().refresh(session.refreshToken);
    expect([refreshed.status, refreshed.json.code]).toEqual([401, 'SESSION_REVOKED']);
  });

  it('a user without a field that has a default logs in', async () => {
    const session = await newSession(host.api());
    const update = { $unset: { roles: 1, disabledAt: 1, emailVerifiedAt: 1, createdAt: 1 } };
    await damage('users', new Types.ObjectId(session.userId), update);
    const again = await anotherSession(host.api(), session.email);
    expect((await host.api().me(again.accessToken)).json).toMatchObject({ id: session.userId, roles: [] });
  });

  it('a revocation without an end stays in force, and affects nobody else', async () => {
    const collection = host.connection.collection('revocations');
    const revoked = await newSession(host.api());
    await collection.insertMany([
      { _id: `sid:${revoked.id}` as never, at: new Date() },
      { _id: 'sid:2' as never, at: new Date(), expiresAt: 'tomorrow' },
      { at: new Date(), expiresAt: new Date(Date.now() + 60_000) },
    ]);
    const [one, two] = [await newSession(host.api()), await newSession(host.api())];
    await host.app.get(AuthService).logoutEverywhere(one.userId);
    const refused = await eventually(
      () => host.api().me(one.accessToken),
      ({ status }) => status === 401,
    );
    expectError(refused, 401, 'ACCESS_TOKEN_REVOKED');
    expectError(await host.api().me(revoked.accessToken), 401, 'ACCESS_TOKEN_REVOKED');
    expect((await host.api().me(two.accessToken)).status).toBe(200);
  });

  it('a link without an end is not valid', async () => {
    const { email } = await newSession(host.api());
    await host.api().post('/auth/forgot-password', { email });
    await host.app.get(NotificationService).idle();
    const mail = sent.find((message) => message.kind === 'password_reset' && message.to === email);
    const token = mail && 'token' in mail ? mail.token : '';
    const tokens = host.connection.collection('action_tokens');
    for (const { _id } of await tokens.find().toArray())
      await damage('action_tokens', _id, { $set: { expiresAt: 'x' } });
    const answer = await host.api().post('/auth/reset-password', { token, newPassword: PASSWORD });
    expectError(answer, 400, 'ACTION_TOKEN_INVALID');
  });

  it('an event without a time is left out of the log', async () => {
    await host.app.get(AuditService).flush();
    await host.connection.collection('security_events').insertOne({ type: 'user.logged_in' });
    const { items } = await host.app.get(AuditService).events({ limit: 500 });
    expect(items.length).toBeGreaterThan(0);
  });
});
