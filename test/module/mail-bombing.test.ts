import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { type MailMessage, NotificationService, UsersService } from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { anotherSession, PASSWORD, uniqueEmail } from '../support/http.js';

const A_DAY = 10;

describe.each(ADAPTERS)('mail that a stranger can cause, on %s', (adapter) => {
  let host: HostApp;
  const sent: MailMessage[] = [];

  beforeAll(async () => {
    const often = { limit: 1000, window: '1m' };
    host = await HostApp.start(adapter, {
      mailer: { send: async (message) => void sent.push(message) },
      emailVerification: 'required',
      throttle: { login: often, mails: often },
    });
  });
  afterAll(() => host.stop());

  it('is at most ten a day to one user, whatever its kind, with the same answers', async () => {
    const [email, other] = [uniqueEmail(), uniqueEmail()];
    for (const each of [email, other]) await host.api().register({ email: each, password: PASSWORD });
    await host.app.get(NotificationService).idle();
    for (let times = 0; times < 8; times += 1) {
      expect((await host.api().register({ email, password: PASSWORD })).status).toBe(202);
      expect((await host.api().post('/auth/forgot-password', { email })).status).toBe(202);
      expect((await host.api().login({ email, password: PASSWORD })).status).toBe(403);
    }
    expect((await host.api().post('/auth/forgot-password', { email: other })).status).toBe(202);
    await host.app.get(NotificationService).idle();
    const to = (recipient: string) => sent.filter((message) => message.to === recipient);
    expect(to(email)).toHaveLength(A_DAY);
    expect(new Set(to(email).map(({ kind }) => kind)).size).toBe(3);
    expect(to(other)).toHaveLength(2);
  });

  it('is at most ten a day to addresses that one user names, existing or not, with the same answers', async () => {
    const email = uniqueEmail();
    const users = host.app.get(UsersService);
    await users.register({ email, password: PASSWORD, isEmailVerified: true });
    const taken = uniqueEmail();
    await users.register({ email: taken, password: PASSWORD, isEmailVerified: true });
    const { accessToken: token } = await anotherSession(host.api(), email);
    const named = [taken, ...Array.from({ length: 14 }, uniqueEmail)];
    for (const each of named) {
      const body = { email: each, currentPassword: PASSWORD };
      expect((await host.api().post('/auth/change-email', body, { token })).status).toBe(202);
    }
    await host.app.get(NotificationService).idle();
    expect(sent.filter(({ to }) => named.includes(to))).toHaveLength(A_DAY);
    expect(sent.filter(({ to }) => to === taken).map(({ kind }) => kind)).toEqual(['email_taken']);
  });

  it('to an address without an account leaves nothing in the database', async () => {
    const counts = async () => {
      const rows = await host.connection.collection('throttle').find().toArray();
      return rows.filter(({ key }) => String(key).includes('mails')).length;
    };
    const before = await counts();
    for (let times = 0; times < 20; times += 1)
      await host.api().post('/auth/forgot-password', { email: uniqueEmail() });
    await host.app.get(NotificationService).idle();
    expect(await counts()).toBe(before);
  });
});
