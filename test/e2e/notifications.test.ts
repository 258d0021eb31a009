import { afterAll, afterEach, beforeAll, describe, expect, it } from '@jest/globals';
import { Exposition } from '../support/exposition.js';
import { Browser, expectError, newSession, PASSWORD, refreshed, sessionOf } from '../support/http.js';
import { type Environment, Service } from '../support/service.js';
import { MailCatcher, type MailCatcherOptions, until } from '../support/smtp-server.js';

const chrome = (version: number) =>
  `Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;
const FIREFOX = 'Mozilla/5.0 (Windows NT 10.0; Win64; x64; rv:143.0) Gecko/20100101 Firefox/143.0';
const HOME = { 'x-forwarded-for': '203.0.113.9', 'user-agent': chrome(140) };
const AWAY = { 'x-forwarded-for': '198.51.100.7', 'user-agent': FIREFOX };

const mailTo = (url: string): Environment => ({
  SMTP_URL: url,
  MAIL_FROM: 'Example <no-reply@example.com>',
  APP_URL: 'https://app.example.com',
  TRUST_PROXY: 'true',
});

describe.each(['express', 'fastify'])('mail to users on %s', (HTTP_ADAPTER) => {
  let mail: MailCatcher;
  let service: Service;
  /** A service without a grace period. */
  let graceless: Service;
  beforeAll(async () => {
    mail = await MailCatcher.start();
    const environment = { ...mailTo(mail.url), HTTP_ADAPTER };
    service = await Service.start(environment);
    graceless = await Service.start({ ...environment, REFRESH_GRACE_PERIOD: '0', FINGERPRINT_MODE: 'off' });
  });
  afterAll(async () => {
    await service?.dispose();
    await graceless?.dispose();
    await mail?.close();
  });

  it('ASVS 6.3.5: a login on a new device is notified, once, and a registration is not', async () => {
    const { email } = await newSession(service.api(HOME), { name: 'Ada' });
    const login = { email, password: PASSWORD, deviceName: 'A phone' };
    const stranger = new Browser(service.origin, AWAY);
    expect((await stranger.login(login)).status).toBe(200);
    const [message] = await mail.arrived(email);
    expect(message?.subject).toBe('New sign-in to your account');
    for (const word of ['Hello Ada,', '198.51.100.7', 'Firefox on Windows', 'A phone', 'app.example.com'])
      expect(message?.text).toContain(word);
    // The same device again: recognised by its cookie anywhere, and without it by browser and network.
    const roaming = { headers: { 'x-forwarded-for': '192.0.2.200', 'user-agent': chrome(99) } };
    expect((await stranger.login(login, roaming)).status).toBe(200);
    expect((await service.api(AWAY).login(login)).status).toBe(200);
    // Mail is sent in order, so nothing was sent in between.
    await changePassword(email);
    expect((await mail.arrived(email, 2)).map(({ subject }) => subject)).toEqual([
      'New sign-in to your account',
      'Your password was changed',
    ]);
  });

  it('no false alarm: an updated browser, cleared cookies, another address of the network, a logout', async () => {
    const api = service.api(HOME);
    const { email, accessToken } = await newSession(api);
    await api.logout({ token: accessToken });
    const places = [
      { ...HOME, 'user-agent': chrome(151) },
      { ...HOME, 'x-forwarded-for': '203.0.113.200' },
    ];
    for (const place of places)
      expect((await service.api(place).login({ email, password: PASSWORD })).status).toBe(200);
    await changePassword(email);
    expect((await mail.arrived(email)).map(({ subject }) => subject)).toEqual(['Your password was changed']);
  });

  it('in body transport a phone is recognised by its deviceId on any network', async () => {
    const { email } = await newSession(service.api(HOME), { deviceId: 'phone-1' });
    const login = (deviceId: string) =>
      service.api(AWAY).login({ email, password: PASSWORD, transport: 'body', deviceId });
    expect((await login('phone-1')).status).toBe(200);
    await changePassword(email);
    expect((await mail.arrived(email)).map(({ subject }) => subject)).toEqual(['Your password was changed']);
  });

  it('two simultaneous logins on new devices do not make each other known', async () => {
    const { email } = await newSession(service.api(HOME));
    const login = () => service.api(AWAY).login({ email, password: PASSWORD });
    const answers = await Promise.all([login(), login(), login()]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200]);
    expect((await mail.arrived(email))[0]?.subject).toBe('New sign-in to your account');
  });

  it('a client that was logged out by a change of password is notified again, even from the same place', async () => {
    const owner = await newSession(service.api(HOME));
    const login = { email: owner.email, password: PASSWORD };
    const stranger = sessionOf(await service.api(AWAY).login(login));
    await mail.arrived(owner.email);
    const ended = await service
      .api(HOME)
      .send('DELETE', `/auth/sessions/${stranger.id}`, { token: owner.accessToken });
    expect(ended.status).toBe(204);
    expect((await service.api(AWAY).login(login)).status).toBe(200);
    await mail.arrived(owner.email, 2);
  });

  it('ASVS 6.3.7: a changed password is notified', async () => {
    const { email } = await newSession(service.api(HOME));
    await changePassword(email);
    const [message] = await mail.arrived(email);
    expect(message?.subject).toBe('Your password was changed');
    expect(message?.text).toContain('203.0.113.9');
    expect(JSON.stringify(message)).not.toContain(PASSWORD);
  });

  it('a stolen refresh token is notified when it is detected, with what was ended', async () => {
    const owner = await newSession(graceless.api(HOME));
    const thief = await refreshed(graceless.api(AWAY), owner);
    await refreshed(graceless.api(AWAY), thief);
    expectError(await graceless.api(HOME).refresh(owner.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    const [message] = await mail.arrived(owner.email);
    expect(message?.subject).toBe('A session of yours may have been copied');
    expect(message?.text).toContain('We have ended that session');
  });

  async function changePassword(email: string): Promise<void> {
    const { accessToken: token } = sessionOf(await service.api(HOME).login({ email, password: PASSWORD }));
    const body = { currentPassword: PASSWORD, newPassword: `${PASSWORD}!` };
    const answer = await service.api(HOME).post('/auth/change-password', body, { token });
    expect(answer.status).toBe(200);
  }
});

describe('a mail server with problems', () => {
  const cleanups: (() => Promise<unknown>)[] = [];
  afterEach(async () => {
    for (const cleanup of cleanups.splice(0).reverse()) await cleanup();
  });

  async function start(url: string, over: Environment = {}): Promise<Service> {
    const service = await Service.start({ ...mailTo(url), ...over });
    cleanups.push(() => service.dispose());
    return service;
  }

  async function startMail(options: MailCatcherOptions): Promise<MailCatcher> {
    const mail = await MailCatcher.start(options);
    cleanups.push(() => mail.close());
    return mail;
  }

  /** A registration, and a login that causes a notification. */
  async function loginElsewhere(service: Service): Promise<string> {
    const { email } = await newSession(service.api(HOME));
    const answer = await service.api(AWAY).login({ email, password: PASSWORD });
    expect(answer.status).toBe(200);
    return email;
  }

  it('that refuses temporarily is retried, and the message arrives once', async () => {
    const mail = await startMail({ refusals: [451, 421] });
    const service = await start(mail.url);
    const email = await loginElsewhere(service);
    await mail.arrived(email);
    await service.stop();
    expect(mail.sentTo(email)).toHaveLength(1);
    expect(service.output).toContain('mail is tried again');
  });

  it('that refuses for good is not retried; the log names nobody', async () => {
    const mail = await startMail({ refusals: [550] });
    const service = await start(mail.url, { LOG_LEVEL: 'warn' });
    const email = await loginElsewhere(service);
    await until(() => service.output.includes('mail was given up'), 'the log says so');
    expect(service.output).toContain('mail was given up after 1 attempt, new_device: MailRefusedError');
    expect(service.output).not.toContain(email);
    await service.stop();
    expect(mail.messages).toEqual([]);
  });

  it('that hangs delays no request, and a shutdown only briefly', async () => {
    const mail = await startMail({ isSilent: true });
    const service = await start(mail.url);
    await loginElsewhere(service);
    // The login has its answer while the first attempt still waits for the mail server.
    const scrape = await Exposition.of(service.api());
    for (const [figure, count] of [
      ['waiting', 1],
      ['retried_total', 0],
      ['failed_total', 0],
    ] as const)
      expect([figure, scrape.value(`silent_auth_mail_messages_${figure}`)]).toEqual([figure, count]);
    await until(() => mail.connections > 0, 'the service connects');
    expect(await service.stop()).toBe(0);
    expect(service.output).toContain('1 message was not sent: the process stops');
  });

  it('that is down fails no request', async () => {
    const service = await start('smtp://127.0.0.1:1');
    await loginElsewhere(service);
    await until(() => service.output.includes('mail is tried again'), 'the log says so');
  });

  it('gets the waiting messages when the service stops', async () => {
    const mail = await startMail({ refusals: [451, 451] });
    const service = await start(mail.url);
    const email = await loginElsewhere(service);
    // After the second refusal the next attempt would come in five seconds.
    await until(() => /tried again in 5000 ms/.test(service.output), 'the second refusal');
    expect(await service.stop()).toBe(0);
    expect(mail.sentTo(email)).toHaveLength(1);
  });
});
