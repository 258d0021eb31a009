import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { MongoClient } from 'mongodb';
import { eventually } from '../support/eventually.js';
import {
  anotherSession,
  type Answer,
  type Api,
  Browser,
  expectError,
  expectGuardRefusal,
  expectInvalidField,
  newSession,
  PASSWORD,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';
import { type Environment, Service } from '../support/service.js';
import { type CaughtMail, MailCatcher, until } from '../support/smtp-server.js';

const NEW_PASSWORD = 'eleven-Herons-leave-the-pond';
const APP_URL = 'https://app.example.com/account';

const mailTo = (mail: MailCatcher): Environment => ({
  SMTP_URL: mail.url,
  MAIL_FROM: 'no-reply@example.com',
  APP_URL,
});

/** The token of the link in a mail, which is in both of its parts. */
function tokenIn({ text = '', html = '' }: CaughtMail, page: string): string {
  const link = new RegExp(`${APP_URL}/${page}#token=([A-Za-z0-9_-]{43})\\b`);
  const [, token] = link.exec(text) ?? [];
  if (token === undefined) throw new Error(`no link to ${page}:\n${text}`);
  expect(html).toContain(`#token=${token}`);
  return token;
}

/** Expects the refusal of a token, which is the same for every reason. */
function expectBadToken(answer: Answer): void {
  expectError(answer, 400, 'ACTION_TOKEN_INVALID');
}

describe.each(['express', 'fastify'])('a forgotten password on %s', (HTTP_ADAPTER) => {
  let mail: MailCatcher;
  let service: Service;
  let api: Api;
  beforeAll(async () => {
    mail = await MailCatcher.start();
    service = await Service.start({ ...mailTo(mail), HTTP_ADAPTER, LOG_LEVEL: 'verbose' });
    api = service.api();
  });
  afterAll(async () => {
    await service?.dispose();
    await mail?.close();
  });

  const reset = (token: unknown, newPassword: unknown = NEW_PASSWORD) =>
    api.post('/auth/reset-password', { token, newPassword });

  async function linkFor(email: string): Promise<string> {
    const isLink = ({ subject }: CaughtMail) => subject === 'Set a new password';
    const links = () => mail.sentTo(email).filter(isLink);
    const before = links().length;
    expect((await api.post('/auth/forgot-password', { email })).status).toBe(202);
    await until(() => links().length > before, 'a link');
    return tokenIn(links().at(-1)!, 'reset-password');
  }

  it('is replaced by a link: every session ends, the new password logs in, the user is notified', async () => {
    const first = await newSession(api);
    const second = await anotherSession(api, first.email);
    const answer = await reset(await linkFor(first.email));
    expect([answer.status, answer.text]).toEqual([204, '']);
    for (const session of [first, second]) {
      expectError(await api.refresh(session.refreshToken), 401, 'SESSION_REVOKED');
      expectGuardRefusal(await api.me(session.accessToken), 'ACCESS_TOKEN_REVOKED');
    }
    const login = (password: string) => api.login({ email: first.email, password });
    expectError(await login(PASSWORD), 401, 'INVALID_CREDENTIALS');
    expect((await login(NEW_PASSWORD)).status).toBe(200);
    const subjects = () => mail.sentTo(first.email).map(({ subject }) => subject);
    await until(() => subjects().includes('Your password was changed'), 'the news');
  });

  it('gives the same answer for an unknown address, and sends it nothing', async () => {
    const { email } = await newSession(api);
    const nobody = uniqueEmail();
    const [known, unknown] = [
      await api.post('/auth/forgot-password', { email }),
      await api.post('/auth/forgot-password', { email: nobody }),
    ];
    const shape = ({ status, text, headers }: Answer) => [status, text, Object.keys(headers).sort()];
    expect(shape(known)).toEqual([202, '', expect.any(Array)]);
    expect(shape(unknown)).toEqual(shape(known));
    await mail.arrived(email);
    expect(mail.sentTo(nobody)).toEqual([]);
  });

  it('finds the user in every spelling of the address', async () => {
    const { email } = await newSession(api);
    expect((await api.post('/auth/forgot-password', { email: ` ${email.toUpperCase()} ` })).status).toBe(202);
    await mail.arrived(email);
  });

  it('a link works once, also for two simultaneous requests', async () => {
    const { email } = await newSession(api);
    const token = await linkFor(email);
    const passwords = Array.from({ length: 5 }, (_, index) => `${NEW_PASSWORD}-${index}`);
    const answers = await Promise.all(passwords.map((password) => reset(token, password)));
    const winners = passwords.filter((_password, index) => answers[index]?.status === 204);
    expect(winners).toHaveLength(1);
    answers.filter(({ status }) => status !== 204).forEach(expectBadToken);
    for (const password of passwords) {
      const { status } = await api.login({ email, password });
      expect([password, status]).toEqual([password, winners.includes(password) ? 200 : 401]);
    }
    expectBadToken(await reset(token));
  });

  it('a password that is refused does not cost the link', async () => {
    const { email } = await newSession(api);
    const token = await linkFor(email);
    expectError(await reset(token, 'password1'), 400, 'WEAK_PASSWORD');
    expectError(await reset(token, email), 400, 'WEAK_PASSWORD');
    expectError(await reset(token, 'x'.repeat(129)), 400, 'VALIDATION_FAILED');
    expect((await reset(token)).status).toBe(204);
  });

  it.each<[string, (email: string, token: string) => Promise<unknown>]>([
    [
      'a change of password',
      async (email) => {
        const { accessToken } = await anotherSession(api, email);
        const body = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
        await api.post('/auth/change-password', body, { token: accessToken });
      },
    ],
    [
      'a logout everywhere',
      async (email) => {
        const { accessToken } = await anotherSession(api, email);
        await api.send('POST', '/auth/logout-all', { token: accessToken });
      },
    ],
    ['the use of another link', async (email) => reset(await linkFor(email), `${PASSWORD}?`)],
  ])('a link is invalid after %s', async (_case, act) => {
    const { email } = await newSession(api);
    const token = await linkFor(email);
    await act(email, token);
    expectBadToken(await reset(token));
  });

  it('no guess is a token, and no operator finds one', async () => {
    const { email } = await newSession(api);
    const token = await linkFor(email);
    const other = `${token.slice(0, -1)}${token.endsWith('A') ? 'E' : 'A'}`;
    for (const guess of ['', 'x', other, 'A'.repeat(43), `${token}A`, token.toLowerCase(), `${token}=`])
      expectBadToken(await reset(guess));
    for (const guess of [{ $ne: null }, { $gt: '' }, [token], null, 42, true]) {
      expectInvalidField(await reset(guess), 'token');
      expectInvalidField(await api.post('/auth/forgot-password', { email: guess }), 'email');
      expectInvalidField(await api.post('/auth/verify-email', { token: guess }), 'token');
    }
    expectInvalidField(await reset('x'.repeat(129)), 'token');
    expectInvalidField(await reset(token, { $ne: '' }), 'newPassword');
    // A token for one purpose is invalid for another.
    expectBadToken(await api.post('/auth/verify-email', { token }));
    expect((await reset(token)).status).toBe(204);
  });

  it('the link points to the configured page, whatever host a request names', async () => {
    const { email } = await newSession(api);
    const headers = {
      host: 'evil.example',
      'x-forwarded-host': 'evil.example',
      'x-forwarded-proto': 'http',
      forwarded: 'host=evil.example',
    };
    const answer = await api.post('/auth/forgot-password', { email }, { headers });
    expect(answer.status).toBe(202);
    const [message] = await mail.arrived(email);
    tokenIn(message!, 'reset-password');
    expect(message?.raw).not.toContain('evil.example');
  });

  it('refuses requests from another site', async () => {
    const { email } = await newSession(api);
    const headers = { origin: 'https://evil.example' };
    for (const [path, body] of [
      ['/auth/forgot-password', { email }],
      ['/auth/reset-password', { token: 'x', newPassword: NEW_PASSWORD }],
      ['/auth/verify-email', { token: 'x' }],
    ] as const)
      expectError(await api.post(path, body, { headers }), 403, 'CROSS_SITE_REQUEST');
  });

  it('a disabled user gets no link, and an earlier one is invalid', async () => {
    const admin = sessionOf(await api.login({ email: 'admin@example.com', password: adminPassword() }));
    const { email, userId } = await newSession(api);
    const token = await linkFor(email);
    const disabled = await api.send('POST', `/auth/admin/users/${userId}/disable`, {
      token: admin.accessToken,
    });
    expect(disabled.status).toBe(204);
    expectBadToken(await reset(token));
    const before = mail.sentTo(email).length;
    expect((await api.post('/auth/forgot-password', { email })).status).toBe(202);
    // Mail is sent in order: a later request arrives later.
    const { email: later } = await newSession(api);
    await linkFor(later);
    expect(mail.sentTo(email)).toHaveLength(before);
  });

  it('neither the log nor the database has the token, and the audit log says who reset what', async () => {
    const { email, userId } = await newSession(api);
    const token = await linkFor(email);
    const client = await MongoClient.connect(service.settings['MONGODB_URI']!);
    try {
      const read = async () =>
        JSON.stringify(
          await Promise.all((await client.db().collections()).map((each) => each.find().toArray())),
        );
      expect(await read()).not.toContain(token);
      expect((await reset(token)).status).toBe(204);
      const rows = () =>
        client
          .db()
          .collection('security_events')
          .find({ userId, type: { $in: ['password.reset_requested', 'password.reset'] } })
          .toArray();
      const written = await eventually(rows, ({ length }) => length >= 2);
      expect(written.map(({ type }) => type).sort()).toEqual(['password.reset', 'password.reset_requested']);
      expect(await read()).not.toContain(token);
    } finally {
      await client.close();
    }
    expect(service.output).not.toContain(token);
  });

  function adminPassword(): string {
    return /password: (\S+)/.exec(service.output)?.[1] ?? '';
  }
});

describe('mailed links', () => {
  it('without a mailer there are no routes for them', async () => {
    const keys = { DATABASE: 'uri', NODE_ENV: 'test' };
    const service = await Service.start(keys);
    try {
      const bodies = {
        'forgot-password': { email: uniqueEmail() },
        'reset-password': { token: 'x', newPassword: NEW_PASSWORD },
        'verify-email': { token: 'x' },
      };
      for (const [path, body] of Object.entries(bodies))
        expectError(await service.api().post(`/auth/${path}`, body), 404, 'NOT_FOUND');
    } finally {
      await service.dispose();
    }
  });

  it('an account gets only a few of them, for any requester, and the answer does not reveal the limit', async () => {
    const mail = await MailCatcher.start();
    const service = await Service.start({ ...mailTo(mail), THROTTLE: 'on', TRUST_PROXY: 'true' });
    try {
      const from = (index: number) => service.api({ 'x-forwarded-for': `203.0.113.${index}` });
      const { email } = await newSession(from(1));
      for (let index = 0; index < 12; index += 1)
        expect((await from(index + 2).post('/auth/forgot-password', { email })).status).toBe(202);
      // Requested later, so it arrives later.
      const { email: other } = await newSession(from(1));
      expect((await from(1).post('/auth/forgot-password', { email: other })).status).toBe(202);
      await mail.arrived(other);
      expect(mail.sentTo(email)).toHaveLength(3);
      // An address has a limit, whatever accounts it asks for.
      let answer = await from(99).post('/auth/forgot-password', { email: uniqueEmail() });
      for (let index = 0; index < 20; index += 1)
        answer = await from(99).post('/auth/forgot-password', { email: uniqueEmail() });
      expectError(answer, 429, 'TOO_MANY_ATTEMPTS');
    } finally {
      await service.dispose();
      await mail.close();
    }
  });

  it('a reset lets its owner in at once, in the browser that made it', async () => {
    const mail = await MailCatcher.start();
    const service = await Service.start({ ...mailTo(mail), THROTTLE: 'on' });
    try {
      const { email } = await newSession(service.api());
      const browser = new Browser(service.origin);
      for (let index = 0; index < 10; index += 1)
        expectError(await browser.login({ email, password: 'wrong password' }), 401, 'INVALID_CREDENTIALS');
      expectError(await browser.login({ email, password: PASSWORD }), 429, 'TOO_MANY_ATTEMPTS');
      await browser.post('/auth/forgot-password', { email });
      const isLink = ({ subject }: CaughtMail) => subject === 'Set a new password';
      await until(() => mail.sentTo(email).some(isLink), 'the link');
      const token = tokenIn(mail.sentTo(email).find(isLink)!, 'reset-password');
      const answer = await browser.post('/auth/reset-password', { token, newPassword: NEW_PASSWORD });
      expect(answer.status).toBe(204);
      expect((await browser.login({ email, password: NEW_PASSWORD })).status).toBe(200);
    } finally {
      await service.dispose();
      await mail.close();
    }
  });
});

describe.each(['express', 'fastify'])('EMAIL_VERIFICATION=required on %s', (HTTP_ADAPTER) => {
  let mail: MailCatcher;
  let service: Service;
  let api: Api;
  beforeAll(async () => {
    mail = await MailCatcher.start();
    service = await Service.start({
      ...mailTo(mail),
      HTTP_ADAPTER,
      EMAIL_VERIFICATION: 'required',
      ADMIN_PASSWORD: PASSWORD,
    });
    api = service.api();
  });
  afterAll(async () => {
    await service?.dispose();
    await mail?.close();
  });

  const verify = (token: string) => api.post('/auth/verify-email', { token });
  const login = (email: string, password = PASSWORD) => api.login({ email, password });

  async function register(email = uniqueEmail(), password = PASSWORD): Promise<string> {
    const answer = await api.register({ email, password });
    expect([answer.status, answer.text, answer.cookies]).toEqual([202, '', []]);
    return email;
  }

  it('a new user logs in after opening the link, and the first login causes no notification', async () => {
    const email = await register();
    const [message] = await mail.arrived(email);
    const token = tokenIn(message!, 'verify-email');
    expectError(await login(email), 403, 'EMAIL_NOT_VERIFIED');
    expectError(await login(email, 'wrong password'), 401, 'INVALID_CREDENTIALS');
    const answer = await verify(token);
    expect([answer.status, answer.text]).toEqual([204, '']);
    expectBadToken(await verify(token));
    const { accessToken } = sessionOf(await login(email));
    const changed = await api.post(
      '/auth/change-password',
      { currentPassword: PASSWORD, newPassword: NEW_PASSWORD },
      { token: accessToken },
    );
    expect(changed.status).toBe(200);
    const subjects = () => mail.sentTo(email).map(({ subject }) => subject);
    await until(() => subjects().includes('Your password was changed'), 'the news');
    expect(subjects()).not.toContain('New sign-in to your account');
  });

  it('the right password before that sends another link', async () => {
    const email = await register();
    await mail.arrived(email);
    expectError(await login(email), 403, 'EMAIL_NOT_VERIFIED');
    const [, second] = await mail.arrived(email, 2);
    expect((await verify(tokenIn(second!, 'verify-email'))).status).toBe(204);
    expect((await login(email)).status).toBe(200);
  });

  it('ASVS 6.3.8: a registration reveals a taken address only to its owner', async () => {
    const email = await register();
    await mail.arrived(email);
    await register(email, NEW_PASSWORD);
    const [, notice] = await mail.arrived(email, 2);
    expect(notice?.subject).toBe('You have an account already');
    expect(notice?.text).not.toContain('#token=');
    // Nothing has changed.
    expectError(await login(email, NEW_PASSWORD), 401, 'INVALID_CREDENTIALS');
    // Refusals do not differ.
    for (const address of [email, uniqueEmail()])
      expectError(await api.register({ email: address, password: 'password1' }), 400, 'WEAK_PASSWORD');
  });

  it('of many simultaneous registrations with one address, one creates the account', async () => {
    const email = uniqueEmail();
    await Promise.all(Array.from({ length: 5 }, (_, index) => register(email, `${PASSWORD}-${index}`)));
    await until(() => mail.sentTo(email).length === 5, 'a message for each');
    const subjects = mail.sentTo(email).map(({ subject }) => subject);
    expect(subjects.filter((subject) => subject === 'Verify your e-mail address')).toHaveLength(1);
  });

  it('a link for a new password proves the address as well', async () => {
    const email = await register();
    await mail.arrived(email);
    expect((await api.post('/auth/forgot-password', { email })).status).toBe(202);
    const [, link] = await mail.arrived(email, 2);
    const token = tokenIn(link!, 'reset-password');
    expectBadToken(await verify(token));
    const body = { token, newPassword: NEW_PASSWORD };
    expect((await api.post('/auth/reset-password', body)).status).toBe(204);
    expect((await login(email, NEW_PASSWORD)).status).toBe(200);
  });

  it('the address of the administrator in the settings counts as verified', async () => {
    expect((await login('admin@example.com')).status).toBe(200);
  });
});

it('EMAIL_VERIFICATION=required without a mail server is refused at boot', async () => {
  const { exitCode, output } = await Service.refusal({ NODE_ENV: 'test', EMAIL_VERIFICATION: 'required' });
  expect(exitCode).toBe(1);
  expect(output).toContain("EMAIL_VERIFICATION = 'required': needs a way to send links");
});
