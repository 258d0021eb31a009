import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { dictionary } from '@zxcvbn-ts/language-common';
import { AuthError, AuthService } from '../../src/index.js';
import { assertNewPassword } from '../../src/users/password-policy.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  expectError,
  newSession,
  PASSWORD,
  uniqueEmail,
  USER_AGENT,
} from '../support/http.js';
import { Service } from '../support/service.js';

/** Promises of `docs/security.md` that no other test covers; each test name has the id of its requirement. */

const WRONG = 'seven-Otters-cross-the-road';

interface LogLine {
  event?: string;
  time: string;
  userId?: string;
  sessionId?: string;
  email?: string;
  reason?: string;
  source?: { ip: string; userAgent: string };
}

describe('the log of the service', () => {
  it('ASVS 16.3.1: reports every registration, login, refusal, logout, change of password and theft, when and from where', async () => {
    // In production a log line is JSON.
    const service = await Service.start({
      NODE_ENV: 'production',
      THROTTLE: 'on',
      REFRESH_GRACE_PERIOD: '0',
      REFRESH_LOST_RESPONSE_WINDOW: '0',
    });
    const email = uniqueEmail();
    const stranger = uniqueEmail();
    let userId = '';
    try {
      const api = service.api();
      const session = await newSession(api, { email });
      userId = session.userId;
      const stolen = (await anotherSession(api, email)).refreshToken;
      // The first request rotates; another within the same millisecond is a replay.
      let answer = await api.refresh(stolen);
      while (answer.status === 200) answer = await api.refresh(stolen);
      expectError(answer, 401, 'REFRESH_TOKEN_REUSED');
      const change = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
      const changed = await api.post('/auth/change-password', change, { token: session.accessToken });
      // Before the wrong passwords below: after those, this address may not change the password either.
      await api.login({ email: stranger, password: WRONG });
      for (let attempt = 0; attempt < 11; attempt += 1) await api.login({ email, password: WRONG });
      await api.logout({ body: { refreshToken: changed.json.refreshToken } });
    } finally {
      await service.dispose();
    }

    const lines = service.output
      .split('\n')
      .filter((line) => line.startsWith('{'))
      .map((line) => JSON.parse(line) as LogLine);
    const source = expect.objectContaining({ ip: '127.0.0.1', userAgent: USER_AGENT });
    const time = expect.stringMatching(/^\d{4}-\d\d-\d\dT/);
    const logged = (event: string) => lines.filter((line) => line.event === event);
    expect(logged('user.registered')).toEqual([expect.objectContaining({ time, userId, source })]);
    expect(logged('user.logged_in')).toEqual([expect.objectContaining({ time, userId, source })]);
    expect(logged('login.failed')).toHaveLength(11);
    const failed = (who: object) => expect.objectContaining({ time, source, ...who });
    expect(logged('login.failed')).toContainEqual(failed({ userId: null, reason: 'unknown_user' }));
    expect(logged('login.failed')).toContainEqual(failed({ userId, reason: 'wrong_password' }));
    // A password may have been typed in the address field.
    expect(service.output).not.toContain(stranger);
    expect(logged('login.locked')).toContainEqual(failed({ userId, reason: 'failure_limit' }));
    expect(logged('refresh_token.reuse_detected')).toEqual([failed({ userId })]);
    expect(logged('password.changed')).toEqual([failed({ userId })]);
    expect(logged('user.logged_out')).toEqual([failed({ userId })]);
    expect(logged('session.revoked').map(({ reason }) => reason)).toEqual(
      expect.arrayContaining(['reuse_detected', 'replaced', 'logged_out']),
    );
  });
});

describe('the list of common passwords', () => {
  it('ASVS 6.2.4: holds more than the 3,000 most used of the passwords that are long enough', () => {
    const policy = { minLength: 8, maxLength: 128, blocklist: new Set<string>() };
    const context = { field: 'password', email: 'ann@example.com' };
    const isRefused = (password: string) => {
      try {
        assertNewPassword(password, policy, context);
        return false;
      } catch (error) {
        return error instanceof AuthError && error.code === 'WEAK_PASSWORD';
      }
    };
    // The most used passwords come first.
    const longEnough = dictionary['passwords-common'].map(String).filter((word) => [...word].length >= 8);
    expect(longEnough.length).toBeGreaterThan(3_000);
    expect(longEnough.slice(0, 5_000).filter((word) => !isRefused(word))).toEqual([]);
    expect(isRefused('a sentence that nobody else uses')).toBe(false);
  });
});

describe.each(ADAPTERS)('a host on %s', (adapter) => {
  let host: HostApp;

  beforeAll(async () => {
    host = await HostApp.start(adapter);
  });
  afterAll(() => host.stop());

  it("ASVS 7.4.5: ends every session of a user from the host's own code, and no session of another user", async () => {
    const api = host.api();
    const first = await newSession(api);
    const second = await anotherSession(api, first.email);
    const other = await newSession(api);
    await host.app.get(AuthService).logoutEverywhere(first.userId);
    for (const { accessToken, refreshToken } of [first, second]) {
      expectError(await api.me(accessToken), 401, 'ACCESS_TOKEN_REVOKED');
      expectError(await api.refresh(refreshToken), 401, 'SESSION_REVOKED');
    }
    expect((await api.me(other.accessToken)).status).toBe(200);
    expect((await api.refresh(other.refreshToken)).status).toBe(200);
  });

  it('NIST SP 800-63B-4 §3.1.1.2: a password of ten years ago is as good as on its first day', async () => {
    const { email } = await newSession(host.api());
    const createdAt = new Date(Date.now() - 10 * 365 * 86_400_000);
    const { matchedCount } = await host.connection
      .collection('users')
      .updateOne({ email }, { $set: { createdAt } });
    expect(matchedCount).toBe(1);
    const answer = await host.api().login({ email, password: PASSWORD, transport: 'body' });
    expect(answer.status).toBe(200);
    expect(Object.keys(answer.json).sort()).toEqual(
      ['accessToken', 'expiresIn', 'refreshExpiresIn', 'refreshToken', 'session', 'tokenType', 'user'].sort(),
    );
  });
});
