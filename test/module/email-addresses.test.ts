import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type MailMessage, NotificationService, UsersService } from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { anotherSession, expectError, expectInvalidField, PASSWORD, uniqueEmail } from '../support/http.js';

const WRONG = 'seven-Otters-cross-the-road';

describe.each(ADAPTERS)('two spellings of one mailbox, on %s', (adapter) => {
  let host: HostApp;
  let admin: string;
  const sent: MailMessage[] = [];

  beforeAll(async () => {
    const often = { limit: 1000, window: '1m' };
    host = await HostApp.start(adapter, {
      mailer: { send: async (mail) => void sent.push(mail) },
      throttle: { login: often, failures: { limit: 3, window: '1m' } },
    });
    const email = uniqueEmail();
    await host.app.get(UsersService).register({ email, password: PASSWORD, roles: ['admin'] });
    admin = (await anotherSession(host.api(), email)).accessToken;
  });
  afterAll(() => host.stop());

  const mailTo = async (email: string, kind: MailMessage['kind']) => {
    await host.app.get(NotificationService).idle();
    return sent.filter((mail) => mail.to === email && mail.kind === kind);
  };

  it.each([
    ['an international domain', 'ada@münchen.example', 'ada@xn--mnchen-3ya.example'],
    ['capitals, full width and space', ' Bob@ＥＸＡＭＰＬＥ.com ', 'bob@example.com'],
    ['a composed letter', 'jose\u0301@example.com', 'jos\u00e9@example.com'],
  ])('%s: are one account everywhere', async (_what, typed, stored) => {
    const api = host.api();
    const registered = await api.register({ email: typed, password: PASSWORD });
    expect([registered.status, registered.json.user.email]).toEqual([201, stored]);
    for (const email of [typed, stored]) {
      expectError(await api.register({ email, password: PASSWORD }), 409, 'EMAIL_TAKEN');
      expect((await api.login({ email, password: PASSWORD })).json.user.email).toBe(stored);
      expect((await host.app.get(UsersService).findByEmail(email))?.email).toBe(stored);
      const search = `/auth/admin/users?email=${encodeURIComponent(email)}`;
      const { items } = (await api.send('GET', search, { token: admin })).json;
      expect(items.map((user: { email: string }) => user.email)).toEqual([stored]);
      expect((await api.post('/auth/forgot-password', { email })).status).toBe(202);
    }
    expect(await mailTo(stored, 'password_reset')).toHaveLength(2);
    const owner = await api.register({ email: uniqueEmail(), password: PASSWORD });
    const body = { email: typed, currentPassword: PASSWORD };
    await api.post('/auth/change-email', body, { token: owner.json.accessToken });
    expect(await mailTo(stored, 'email_taken')).toHaveLength(1);
    expect(await mailTo(stored, 'email_change')).toEqual([]);
    // One lockout: no spelling gives additional guesses.
    const statuses: number[] = [];
    for (const email of [typed, stored, typed, stored])
      statuses.push((await api.login({ email, password: WRONG })).status);
    expect(statuses).toEqual([401, 401, 401, 429]);
  });

  it.each([
    '"<img src=x onerror=alert(1)>"@evil.example',
    'a@b@example.com',
    'a\u0000b@example.com',
    'c\u00adarl\u200b@example.com',
    'a@127.0.0.1',
  ])('refuses %j at a registration and at a change', async (email) => {
    const api = host.api();
    expectInvalidField(await api.register({ email, password: PASSWORD }), 'email');
    const { accessToken: token } = (await api.register({ email: uniqueEmail(), password: PASSWORD })).json;
    const body = { email, currentPassword: PASSWORD };
    expectInvalidField(await api.post('/auth/change-email', body, { token }), 'email');
  });

  it('accepts an address of an intranet', async () => {
    const email = `admin-${adapter}@localhost`;
    expect((await host.api().register({ email, password: PASSWORD })).json.user.email).toBe(email);
  });
});
