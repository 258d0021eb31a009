import { createHash, randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { mongo, Types } from 'mongoose';
import { AuditService, AuthModule, type MailMessage, UsersService } from '../../src/index.js';
import { documentsExamined } from '../support/documents-examined.js';
import { authOptions, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  type Answer,
  type Api,
  newSession,
  PASSWORD,
  type Session,
  sessionOf,
} from '../support/http.js';

/** Documents per collection: more than any limit except that of the report, which examines more sessions. */
const SEEDED = 3_000;
const SESSIONS_OF_OTHERS = 8_000;
const MAX_PER_USER = 20;
const LIVE_BEYOND_THE_CAP = 100;
const ADMIN = 'root@example.com';
const NEW_PASSWORD = 'nine-Badgers-dig-a-tunnel';
const MANY = { limit: 10_000, window: '1m' } as const;
const DAY_MS = 86_400_000;

/** The limits of `docs/scaling.md`: each operation, and the most documents that one of its commands reads. */
function statedBounds(): Map<string, number> {
  const text = readFileSync(new URL('../../docs/scaling.md', import.meta.url), 'utf8');
  const [, section = ''] = text.split('## Documents that an operation reads\n');
  const rows = (section.split('\n## ')[0] ?? '').matchAll(/^\| ([^|]+?) +\| +([\d,]+) +\|/gm);
  return new Map([...rows].map(([, name = '', bound = '']) => [name, Number(bound.replaceAll(',', ''))]));
}

const bounds = statedBounds();

let host: HostApp;
let api: Api;
let root: Session;
/** A user with thousands of sessions and events. */
let crowd: Session;
const mails: MailMessage[] = [];

const ok = (answer: Answer): Answer => {
  if (answer.status >= 300) throw new Error(`${answer.status} ${answer.text}`);
  return answer;
};

async function seed(): Promise<void> {
  const { db } = host.connection;
  if (!db) throw new Error('not connected');
  const later = new Date(Date.now() + DAY_MS);
  const numbers = Array.from({ length: SEEDED }, (_, n) => n);
  const insert = (name: string, rows: object[]) => db.collection(name).insertMany(rows);

  const session = await db.collection('refresh_tokens').findOne({ _id: new Types.ObjectId(crowd.id) });
  const ended = (n: number) => ({
    ...session,
    _id: new Types.ObjectId(),
    device: { ...session?.device, deviceId: `device-${n}` },
    revokedAt: new Date(),
    revokedReason: 'logout',
  });
  await insert('refresh_tokens', numbers.map(ended));
  await insert(
    'refresh_tokens',
    Array.from({ length: SESSIONS_OF_OTHERS }, (_, n) => ({
      ...ended(n),
      userId: String(new Types.ObjectId()),
      revokedAt: null,
    })),
  );

  const user = await db.collection('users').findOne({ email: crowd.email });
  await insert(
    'users',
    numbers.map((n) => ({ ...user, _id: new Types.ObjectId(), email: `crowd-${n}@example.org` })),
  );

  const event = { at: new Date(), type: 'login.failed', expiresAt: later, ip: '192.0.2.1' };
  const eventOf = (userId: string, type: string) => ({
    ...event,
    _id: new mongo.UUID(randomUUID()),
    userId,
    type,
  });
  await insert(
    'security_events',
    numbers.map(() => eventOf(crowd.userId, 'user.logged_in')),
  );
  await insert(
    'security_events',
    numbers.map((n) => eventOf(`other-${n}`, 'login.failed')),
  );
  await insert(
    'security_events',
    [1, 2].map(() => eventOf(crowd.userId, 'login.failed')),
  );

  await insert(
    'revocations',
    numbers.map((n) => ({ _id: `sid:other-${n}`, expiresAt: later, at: new Date() })),
  );
  await insert(
    'throttle',
    numbers.map((n) => ({ key: `other:${n}`, counts: { 1: 1 }, expire: later })),
  );
  await insert(
    'action_tokens',
    numbers.map((n) => ({
      _id: createHash('sha256').update(String(n)).digest('base64url'),
      kind: 'reset-password',
      userId: `other-${n}`,
      binding: 'x',
      expiresAt: later,
    })),
  );
}

/** More live sessions for each than the cap allows, as before a cap was set. */
async function seedLive(of: Session): Promise<void> {
  const sessions = host.connection.db?.collection('refresh_tokens');
  const session = await sessions?.findOne({ _id: new Types.ObjectId(of.id) });
  await sessions?.insertMany(
    Array.from({ length: LIVE_BEYOND_THE_CAP }, () => ({ ...session, _id: new Types.ObjectId() })),
  );
}

beforeAll(async () => {
  const mailer = { send: async (message: MailMessage) => void mails.push(message) };
  const options = authOptions({
    mailer,
    throttle: { login: MANY, refresh: MANY, failures: MANY },
    sessions: { maxPerUser: MAX_PER_USER },
  });
  host = await HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] });
  api = host.api();
  await host.app.get(UsersService).register({ email: ADMIN, password: PASSWORD, roles: ['admin'] });
  root = await anotherSession(api, ADMIN);
  crowd = await newSession(api);
  await seed();
}, 120_000);
afterAll(() => host?.stop());

/** Runs an operation, and returns what its commands read. */
async function examine(operation: () => Promise<unknown>) {
  await host.app.get(AuditService).flush();
  await host.commandsSettled();
  host.commands.length = 0;
  await operation();
  await host.commandsSettled();
  await host.app.get(AuditService).flush();
  return documentsExamined(host.connection, [...host.commands]);
}

/** Moves the session into the past, so that no grace period of its earlier tokens is left. */
async function moveIntoPast(sessionId: string): Promise<void> {
  const rows = host.connection.collection('refresh_tokens');
  const row = await rows.findOne({ _id: new Types.ObjectId(sessionId) });
  const past = (value: unknown) => (value instanceof Date ? new Date(value.getTime() - DAY_MS / 2) : value);
  const aged = (entry: object) =>
    Object.fromEntries(Object.entries(entry).map(([name, value]) => [name, past(value)]));
  const { rotatedAt, confirmedAt, lastUsedAt } = aged(row ?? {});
  const predecessors = (row?.predecessors as object[]).map(aged);
  await rows.updateOne({ _id: row?._id }, { $set: { rotatedAt, confirmedAt, lastUsedAt, predecessors } });
}

const admin = (method: string, path: string) =>
  api.send(method, `/auth/admin/${path}`, { token: root.accessToken });
const fresh = () => newSession(api);

/** The preparation and the operation, under the names of the table. */
const OPERATIONS: Record<string, () => Promise<() => Promise<unknown>>> = {
  register: async () => fresh,
  'log in, password wrong': async () => async () => {
    const device = { transport: 'body', deviceId: 'device-7' };
    expect((await api.login({ email: crowd.email, password: 'wrong', ...device })).status).toBe(401);
  },
  'log in, user unknown': async () => async () => {
    expect((await api.login({ email: 'nobody@example.com', password: 'wrong' })).status).toBe(401);
  },
  'log in, password right': async () => async () =>
    sessionOf(
      await api.login({ email: crowd.email, password: PASSWORD, transport: 'body', deviceId: 'device-8' }),
    ),
  'log in, first time after `maxPerUser` was lowered': async () => {
    const many = await fresh();
    await seedLive(many);
    return () => anotherSession(api, many.email);
  },
  'guarded request': async () => async () => ok(await api.me(crowd.accessToken)),
  refresh: async () => {
    const session = await fresh();
    return async () => ok(await api.refresh(session.refreshToken));
  },
  'refresh, replayed': async () => {
    const session = await fresh();
    ok(await api.refresh(session.refreshToken));
    return async () => ok(await api.refresh(session.refreshToken));
  },
  'refresh, stolen token': async () => {
    const session = await fresh();
    const second = sessionOf(await api.refresh(session.refreshToken));
    ok(await api.me(second.accessToken));
    ok(await api.refresh(second.refreshToken));
    await moveIntoPast(session.id);
    return async () => expect((await api.refresh(session.refreshToken)).status).toBe(401);
  },
  'refresh, session ended': async () => {
    const session = await fresh();
    ok(await api.logout({ token: session.accessToken }));
    return async () => expect((await api.refresh(session.refreshToken)).status).toBe(401);
  },
  'log out': async () => {
    const session = await fresh();
    return async () => ok(await api.logout({ token: session.accessToken }));
  },
  'log out everywhere': async () => {
    const session = await fresh();
    return async () => ok(await api.send('POST', '/auth/logout-all', { token: session.accessToken }));
  },
  'list sessions': async () => async () => ok(await api.sessions(crowd.accessToken)),
  'end one session': async () => {
    const session = await fresh();
    const other = await anotherSession(api, session.email);
    return async () =>
      ok(await api.send('DELETE', `/auth/sessions/${other.id}`, { token: session.accessToken }));
  },
  'change the password': async () => {
    const { accessToken: token } = await fresh();
    const change = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    return async () => ok(await api.post('/auth/change-password', change, { token }));
  },
  'ask for a new password by mail': async () => async () => {
    const { email } = await fresh();
    ok(await api.post('/auth/forgot-password', { email }));
  },
  'delete your own account': async () => {
    const body = { currentPassword: PASSWORD };
    const deletion = { body, headers: { 'content-length': String(JSON.stringify(body).length) } };
    const { accessToken: token } = await fresh();
    return async () => ok(await api.send('DELETE', '/auth/me', { token, ...deletion }));
  },
  'administrators: sessions of a user': async () => async () =>
    ok(await admin('GET', `users/${crowd.userId}/sessions`)),
  'administrators: page of events of a user, by type': async () => async () => {
    const { items } = ok(await admin('GET', `events?userId=${crowd.userId}&type=login.failed&limit=50`)).json;
    expect(items.length).toBeGreaterThanOrEqual(2);
  },
  'administrators: page of events of a user': async () => async () =>
    ok(await admin('GET', `events?userId=${crowd.userId}&limit=50`)),
  'administrators: page of events by type': async () => async () =>
    ok(await admin('GET', 'events?type=login.failed&limit=50')),
  'administrators: page of events': async () => async () => ok(await admin('GET', 'events?limit=50')),
  'administrators: page of users': async () => async () => ok(await admin('GET', 'users?limit=50')),
  'administrators: page of users by address': async () => async () =>
    ok(await admin('GET', 'users?email=crowd-1&limit=50')),
  'administrators: page of users by role': async () => async () => {
    const { items } = ok(await admin('GET', 'users?role=admin&limit=50')).json;
    expect(items).toMatchObject([{ email: ADMIN }]);
    expect(ok(await admin('GET', 'users?role=editor&limit=50')).json).toEqual({ items: [] });
  },
  'administrators: page of disabled users': async () => async () => {
    ok(await admin('GET', 'users?disabled=true&limit=50'));
    ok(await admin('GET', 'users?email=crowd-&disabled=true&limit=50'));
    const { items } = ok(await admin('GET', 'users?email=&disabled=false&limit=200')).json;
    expect(items).toHaveLength(200);
  },
  'administrators: disable a user': async () => {
    const session = await fresh();
    return async () => ok(await admin('POST', `users/${session.userId}/disable`));
  },
  'administrators: delete a user': async () => {
    const { userId } = await fresh();
    return async () => ok(await admin('DELETE', `users/${userId}`));
  },
  'administrators: security report': async () => async () => ok(await admin('GET', 'security-report')),
  'administrators: security report as CSV': async () => async () =>
    ok(
      await api.send('GET', '/auth/admin/security-report', {
        token: root.accessToken,
        headers: { accept: 'text/csv' },
      }),
    ),
};

describe('documents that an operation reads', () => {
  it('the table of docs/scaling.md names exactly the operations tested here', () => {
    expect([...bounds.keys()].sort()).toEqual(Object.keys(OPERATIONS).sort());
  });

  it.each(Object.keys(OPERATIONS))('%s: no command reads more than the table says', async (name) => {
    const examined = await examine(await (OPERATIONS[name] as () => Promise<() => Promise<unknown>>)());
    const bound = bounds.get(name) ?? -1;
    expect(examined.filter(({ documents }) => documents > bound)).toEqual([]);
  });
});
