import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { AuthEventBus, type AuthEventName, AuthService } from '../../src/index.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  expectError,
  newSession,
  PASSWORD,
  uniqueEmail,
  USER_AGENT,
} from '../support/http.js';

const WRONG = 'not the password';
const SOURCE = { ip: expect.stringContaining('127.0.0.1'), userAgent: USER_AGENT };

describe.each(ADAPTERS)('events on %s', (adapter) => {
  let host: HostApp;
  let heard: { name: AuthEventName; payload: unknown }[];

  const NAMES = ['login.failed', 'login.locked', 'user.logged_out', 'user.disabled', 'user.enabled'] as const;
  const MORE = ['session.revoked', 'session.evicted', 'password.changed'] as const;

  beforeAll(async () => {
    host = await HostApp.start(adapter, {
      sessions: { maxPerUser: 2 },
      throttle: {
        login: { limit: 20, window: '1h' },
        failures: { limit: 2, window: '1h' },
        refresh: { limit: 2, window: '1h' },
      },
    });
    const bus = host.app.get(AuthEventBus);
    for (const name of [...NAMES, ...MORE]) bus.on(name, (payload) => heard.push({ name, payload }));
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    heard = [];
  });

  /** The events of a name; they are emitted after the answer. */
  async function emitted(name: AuthEventName, count = 1): Promise<unknown[]> {
    const found = () => heard.filter((event) => event.name === name).map(({ payload }) => payload);
    return eventually(
      async () => found(),
      ({ length }) => length >= count,
    );
  }

  it('report a wrong current password like a wrong login, and the lock that follows', async () => {
    const { accessToken: token, email, userId } = await newSession(host.api());
    const change = (currentPassword: string, newPassword: string) =>
      host.api().post('/auth/change-password', { currentPassword, newPassword }, { token });
    // A user who knows the password and chooses a weak new one has not guessed wrong.
    for (let attempt = 0; attempt < 3; attempt += 1)
      expectError(await change(PASSWORD, 'short'), 400, 'WEAK_PASSWORD');
    expect(heard).toEqual([]);
    for (let attempt = 0; attempt < 2; attempt += 1)
      expectError(await change(WRONG, `${PASSWORD}!`), 401, 'INVALID_CREDENTIALS');
    const failed = { email, userId, reason: 'wrong_current_password', source: SOURCE };
    expect(await emitted('login.failed', 2)).toEqual([failed, failed]);
    expectError(await change(PASSWORD, `${PASSWORD}!`), 429, 'TOO_MANY_ATTEMPTS');
    expect(await emitted('login.locked')).toEqual([
      { email: null, userId, reason: 'failure_limit', source: SOURCE },
    ]);
  });

  it('say from where a session was ended, a password changed, a user logged out', async () => {
    const { accessToken: token, email, userId, id: sessionId } = await newSession(host.api());
    const second = await anotherSession(host.api(), email);
    await anotherSession(host.api(), email);
    expect(await emitted('session.evicted')).toEqual([{ userId, sessionId, source: SOURCE }]);
    expect(await emitted('session.revoked')).toEqual([
      { userId, sessionId, reason: 'evicted', source: SOURCE },
    ]);
    expectError(await host.api().me(token), 401, 'ACCESS_TOKEN_REVOKED');
    const passwords = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
    const changed = await host.api().post('/auth/change-password', passwords, { token: second.accessToken });
    expect(await emitted('password.changed')).toEqual([{ userId, source: SOURCE }]);
    expect(await emitted('session.revoked', 3)).toContainEqual({
      userId,
      sessionId: second.id,
      reason: 'replaced',
      source: SOURCE,
    });
    await host.api().logout({ token: changed.json.accessToken });
    expect(await emitted('user.logged_out')).toEqual([
      { userId, sessionId: changed.json.session.id, everywhere: false, by: null, source: SOURCE },
    ]);
  });

  it('have no source if the host acts by itself, or the source that it names', async () => {
    const { userId } = await newSession(host.api());
    const auth = host.app.get(AuthService);
    await auth.disableUser(userId);
    expect(await emitted('user.disabled')).toEqual([{ userId, by: null, source: null }]);
    const source = { ip: '192.0.2.7', userAgent: 'console' };
    await auth.enableUser(userId, source);
    expect(await emitted('user.enabled')).toEqual([{ userId, by: null, source }]);
  });

  it('report an address that exceeds its limit, for logins and for refreshes', async () => {
    const { refreshToken } = await newSession(host.api());
    let answer = await host.api().refresh(refreshToken);
    while (answer.status === 200) answer = await host.api().refresh(refreshToken);
    expectError(answer, 429, 'TOO_MANY_ATTEMPTS');
    const locked = (reason: string) => ({ email: null, userId: null, reason, source: SOURCE });
    expect(await emitted('login.locked')).toEqual([locked('refresh_limit')]);
    const stranger = () => host.api().login({ email: uniqueEmail(), password: WRONG });
    while ((answer = await stranger()).status === 401);
    expectError(answer, 429, 'TOO_MANY_ATTEMPTS');
    expect(await emitted('login.locked', 2)).toEqual([locked('refresh_limit'), locked('login_limit')]);
  });
});
