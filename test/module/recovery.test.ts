import { readFile } from 'node:fs/promises';
import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import {
  AuthError,
  AuthEventBus,
  AuthModule,
  ConfigurationError,
  EmailVerificationService,
  type MailMessage,
  NotificationService,
  PasswordResetService,
  UsersService,
  type UserStore,
} from '../../src/index.js';
import { ActionTokens } from '../../src/users/action-tokens.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  expectError,
  newSession,
  PASSWORD,
  refreshed,
  uniqueEmail,
} from '../support/http.js';
import { InMemoryRevocationStore } from '../support/in-memory-revocation.store.js';

const MINUTE_MS = 60_000;
const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
const source = { ip: '192.0.2.7', userAgent: 'console' };

describe.each(ADAPTERS)('mailed links in a host on %s', (adapter) => {
  let host: HostApp;
  let sent: MailMessage[];
  let now = Date.now();

  beforeAll(async () => {
    host = await HostApp.start(adapter, {
      mailer: { send: async (message) => void sent.push(message) },
      emailVerification: 'required',
      clock: { now: () => now },
    });
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    sent = [];
  });

  async function tokenOf(kind: 'password_reset' | 'email_verification'): Promise<string> {
    await host.app.get(NotificationService).idle();
    const message = sent.find((candidate) => candidate.kind === kind);
    if (!message || !('token' in message)) throw new Error(`no ${kind}: ${JSON.stringify(sent)}`);
    return message.token;
  }

  async function registered(): Promise<string> {
    const email = uniqueEmail();
    expect((await host.api().register({ email, password: PASSWORD })).status).toBe(202);
    await host.app.get(NotificationService).idle();
    return email;
  }

  const reset = (token: string) =>
    host.api().post('/auth/reset-password', { token, newPassword: NEW_PASSWORD });
  const verify = (token: string) => host.api().post('/auth/verify-email', { token });

  it('ASVS 6.5.5: a link for a new password is valid for ten minutes and no longer', async () => {
    const email = await registered();
    for (const [minutes, status] of [
      [10, 400],
      [9.99, 204],
    ] as const) {
      sent = [];
      await host.api().post('/auth/forgot-password', { email });
      const token = await tokenOf('password_reset');
      const asked = now;
      now += minutes * MINUTE_MS;
      const answer = await reset(token);
      expect([minutes, answer.status]).toEqual([minutes, status]);
      if (status === 400) expectError(answer, 400, 'ACTION_TOKEN_INVALID');
      expect(sent[0]).toMatchObject({ expiresAt: new Date(asked + 10 * MINUTE_MS), to: email });
    }
  });

  it('a link that verifies an address is valid for a day and no longer', async () => {
    await registered();
    const token = await tokenOf('email_verification');
    now += 24 * 60 * MINUTE_MS;
    expectError(await verify(token), 400, 'ACTION_TOKEN_INVALID');
  });

  it('expired links are left for the database to remove', async () => {
    const indexes = await host.connection.collection('action_tokens').indexes();
    expect(indexes).toContainEqual(expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }));
  });

  it('is available to the host’s own routes, and emits what was done', async () => {
    const heard: unknown[] = [];
    const bus = host.app.get(AuthEventBus);
    const names = [
      'user.registered',
      'email.verified',
      'password.reset_requested',
      'password.reset',
    ] as const;
    for (const name of names) bus.on(name, (payload) => heard.push([name, payload]));
    const [emails, passwords] = [host.app.get(EmailVerificationService), host.app.get(PasswordResetService)];
    const email = uniqueEmail();
    await emails.register({ email, password: PASSWORD, name: 'Ada' }, source);
    await emails.verify(await tokenOf('email_verification'), source);
    passwords.request(email, source);
    passwords.request(uniqueEmail(), source);
    await passwords.reset(await tokenOf('password_reset'), NEW_PASSWORD, source);
    await eventually(
      async () => heard.length,
      (count) => count >= 5,
    );
    const { userId } = sent[0]!;
    expect(heard).toEqual([
      ['user.registered', { userId, source }],
      ['email.verified', { userId, source }],
      ['password.reset_requested', { userId, source }],
      ['password.reset_requested', { userId: null, source }],
      ['password.reset', { userId, source }],
    ]);
    expect(sent[0]).toMatchObject({ kind: 'email_verification', to: email, name: 'Ada' });
  });
});

it('every request for a link is reported once, whether or not a link is sent', async () => {
  const sent: MailMessage[] = [];
  const host = await HostApp.start('express', {
    mailer: { send: async (message) => void sent.push(message) },
    throttle: { login: { limit: 1000, window: '1m' }, mails: { limit: 2, window: '10m' } },
  });
  try {
    const { email, userId } = await newSession(host.api());
    const reported: unknown[] = [];
    host.app.get(AuthEventBus).on('password.reset_requested', (payload) => reported.push(payload));
    const tokens = host.app.get(ActionTokens, { strict: false });
    // The first attempt to create a link fails, as in a database outage; it is repeated.
    jest.spyOn(tokens, 'issue').mockRejectedValueOnce(new AuthError('TEMPORARILY_UNAVAILABLE'));
    const notifications = host.app.get(NotificationService);
    for (let time = 0; time < 4; time += 1) {
      expect((await host.api().post('/auth/forgot-password', { email })).status).toBe(202);
      await notifications.idle();
    }
    const told4 = await eventually(
      async () => reported,
      ({ length }) => length >= 4,
    );
    expect(told4).toEqual(Array.from({ length: 4 }, () => expect.objectContaining({ userId })));
    expect(sent.map(({ kind }) => kind)).toEqual(['password_reset', 'password_reset']);
  } finally {
    await host.stop();
  }
});

it('a new password is notified, even if the sessions could not be ended then', async () => {
  const sent: MailMessage[] = [];
  const store = new InMemoryRevocationStore();
  const host = await HostApp.start('express', {
    mailer: { send: async (message) => void sent.push(message) },
    revocation: { store },
  });
  try {
    const session = await newSession(host.api());
    const notifications = host.app.get(NotificationService);
    await host.api().post('/auth/forgot-password', { email: session.email });
    await notifications.idle();
    const token = sent[0]?.kind === 'password_reset' ? sent[0].token : '';
    const add = store.add.bind(store);
    store.add = () => Promise.reject(new AuthError('TEMPORARILY_UNAVAILABLE'));
    const answer = await host.api().post('/auth/reset-password', { token, newPassword: NEW_PASSWORD });
    expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
    await eventually(
      async () => sent.map(({ kind }) => kind),
      (kinds) => kinds.includes('password_changed'),
    );
    expect(sent.map(({ kind }) => kind)).toEqual(['password_reset', 'password_changed']);
    store.add = add;
    // Their token version makes them invalid anyway.
    expectError(await host.api().refresh(session.refreshToken), 401, 'SESSION_REVOKED');
  } finally {
    await host.stop();
  }
});

it('a user from before `required` keeps their session, and gets a link at their next login', async () => {
  const sent: MailMessage[] = [];
  const host = await HostApp.start('express', {
    mailer: { send: async (message) => void sent.push(message) },
    emailVerification: 'required',
  });
  try {
    const api = host.api();
    const email = uniqueEmail();
    await host.app.get(UsersService).register({ email, password: PASSWORD, isEmailVerified: true });
    const session = await anotherSession(api, email);
    const users = host.connection.collection('users');
    await users.updateOne({ email }, { $unset: { emailVerifiedAt: '' } });
    const after = await refreshed(api, session);
    const body = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    const changed = await api.post('/auth/change-password', body, { token: after.accessToken });
    expect(changed.status).toBe(200);
    expectError(await api.login({ email, password: NEW_PASSWORD }), 403, 'EMAIL_NOT_VERIFIED');
    await host.app.get(NotificationService).idle();
    const token = sent.map((each) => (each.kind === 'email_verification' ? each.token : '')).join('');
    expect((await api.post('/auth/verify-email', { token })).status).toBe(204);
    expect((await api.login({ email, password: NEW_PASSWORD })).status).toBe(200);
    // Or the operator marks the address as verified, by the command of docs/security.md.
    await users.updateOne({ email }, { $unset: { emailVerifiedAt: '' } });
    expect(await readFile('docs/security.md', 'utf8')).toContain(
      'db.users.updateMany({ emailVerifiedAt: null }, { $set: { emailVerifiedAt: new Date() } });',
    );
    await users.updateMany({ emailVerifiedAt: null }, { $set: { emailVerifiedAt: new Date() } });
    expect((await api.login({ email, password: NEW_PASSWORD })).status).toBe(200);
  } finally {
    await host.stop();
  }
});

it('a mail server that hangs does not block registrations', async () => {
  const host = await HostApp.start('express', {
    mailer: { send: () => new Promise(() => {}) },
    emailVerification: 'required',
    throttle: false,
  });
  try {
    const emails = Array.from({ length: 12 }, () => uniqueEmail());
    const users = host.app.get(UsersService);
    for (const email of emails)
      expect((await host.api().register({ email, password: PASSWORD })).status).toBe(202);
    const made = await eventually(
      () => Promise.all(emails.map((email) => users.findByEmail(email))),
      (found) => found.every((user) => user !== null),
    );
    expect(made.map((user) => user?.email)).toEqual(emails);
  } finally {
    await host.stop();
  }
});

describe('a user store of the host', () => {
  const kept = new Map<string, Parameters<UserStore['create']>[0] & { id: string; disabledAt: null }>();
  /** A store written before addresses were verified. */
  const store: UserStore = {
    findById: async (id) => kept.get(id) ?? null,
    findByEmail: async (email) => [...kept.values()].find((user) => user.email === email) ?? null,
    create: async (user) => {
      const created = { ...user, id: String(kept.size + 1), disabledAt: null };
      kept.set(created.id, created);
      return created;
    },
    setPassword: async (id, { ifTokenVersion, ...change }) => {
      const user = kept.get(id);
      if (user?.tokenVersion !== ifTokenVersion) return false;
      kept.set(id, { ...user, ...change });
      return true;
    },
    upgradePasswordHash: async () => {},
    replaceTokenVersion: async () => null,
    setDisabledAt: async () => false,
  };

  it('needs nothing new for a forgotten password', async () => {
    const sent: MailMessage[] = [];
    const host = await HostApp.start('express', {
      userStore: store,
      mailer: { send: async (message) => void sent.push(message) },
    });
    try {
      const { email } = await newSession(host.api());
      await host.api().post('/auth/forgot-password', { email });
      await host.app.get(NotificationService).idle();
      const [message] = sent;
      const token = message?.kind === 'password_reset' ? message.token : '';
      const body = { token, newPassword: NEW_PASSWORD };
      expect((await host.api().post('/auth/reset-password', body)).status).toBe(204);
      expect((await host.api().login({ email, password: NEW_PASSWORD })).status).toBe(200);
    } finally {
      await host.stop();
    }
  });

  it('changes an address: a link sent to the former one sets no password', async () => {
    const sent: MailMessage[] = [];
    const host = await HostApp.start('express', {
      userStore: store,
      mailer: { send: async (message) => void sent.push(message) },
    });
    try {
      const { email, userId } = await newSession(host.api());
      await host.api().post('/auth/forgot-password', { email });
      await host.app.get(NotificationService).idle();
      const [message] = sent;
      const token = message?.kind === 'password_reset' ? message.token : '';
      kept.set(userId, { ...kept.get(userId)!, email: uniqueEmail() });
      const body = { token, newPassword: NEW_PASSWORD };
      expectError(await host.api().post('/auth/reset-password', body), 400, 'ACTION_TOKEN_INVALID');
      kept.set(userId, { ...kept.get(userId)!, email });
      expect((await host.api().post('/auth/reset-password', body)).status).toBe(204);
    } finally {
      await host.stop();
    }
  });

  it('is reported at boot with what it lacks to verify addresses', async () => {
    const mailer = { send: async () => {} };
    const options = authOptions({ userStore: store, mailer, emailVerification: 'required' });
    const boot = HostApp.startWith('express', { imports: [AuthModule.forRoot(options)] });
    await expect(boot).rejects.toThrow(ConfigurationError);
    await expect(boot).rejects.toThrow(/userStore = .*needs its method setEmailVerifiedAt/);
  });
});
