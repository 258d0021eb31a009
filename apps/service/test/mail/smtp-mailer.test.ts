import { afterEach, describe, expect, it } from '@jest/globals';
import { type MailMessage, MailRefusedError } from '../../../../src/index.js';
import { MailCatcher, type MailCatcherOptions } from '../../../../test/support/smtp-server.js';
import { parseSmtpUrl } from '../../src/mail/mail-settings.js';
import { SmtpMailer } from '../../src/mail/smtp-mailer.js';

const FROM = { name: 'Example', address: 'no-reply@example.com' };
const APP_URL = 'https://app.example.com/';
const NEVER = new AbortController().signal;
const CHROME =
  'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0.0.0 Safari/537.36';

const MESSAGE: MailMessage = {
  kind: 'new_device',
  id: '0190a5c4-0000-4000-8000-000000000001',
  to: 'ada@example.com',
  name: 'Ada',
  userId: 'u',
  at: new Date('2026-01-02T03:04:05Z'),
  sessionId: 's',
  device: { appId: null, deviceId: null, deviceName: 'Ada’s laptop' },
  source: { ip: '203.0.113.9', userAgent: CHROME },
};

describe(SmtpMailer.name, () => {
  const catchers: MailCatcher[] = [];
  afterEach(async () => {
    await Promise.all(catchers.splice(0).map((catcher) => catcher.close()));
  });

  async function withServer(options: MailCatcherOptions = {}, url = (catcher: MailCatcher) => catcher.url) {
    const catcher = await MailCatcher.start(options);
    catchers.push(catcher);
    const server = parseSmtpUrl(url(catcher));
    if (!server) throw new Error('the URL is one');
    return { catcher, mailer: new SmtpMailer(server, FROM, APP_URL) };
  }

  it('says what happened, when, from where and what to do, as text and as HTML', async () => {
    const { catcher, mailer } = await withServer();
    await mailer.send(MESSAGE, NEVER);
    const [mail] = catcher.messages;
    expect(mail).toMatchObject({
      recipients: ['ada@example.com'],
      subject: 'New sign-in to your account',
      from: FROM,
      messageId: `<${MESSAGE.id}@example.com>`,
    });
    const words = ['Hello Ada,', 'Fri, 02 Jan 2026 03:04:05 GMT', '203.0.113.9', 'Chrome on Linux', APP_URL];
    for (const word of [...words, 'Ada’s laptop', 'If this was you, there is nothing to do.']) {
      expect(mail?.text).toContain(word);
      expect(mail?.html).toContain(word);
    }
    expect(mail?.headers).toContainEqual(
      expect.objectContaining({ key: 'auto-submitted', value: 'auto-generated' }),
    );
    // Nothing is loaded, so nobody learns that the mail was read.
    expect(mail?.html).not.toMatch(/<img|src=|url\(/);
  });

  it.each([
    'Ada\r\nBcc: eve@example.com',
    '<img src=//evil.example/x>',
    'Click https://evil.example/',
    'evil.example',
    'evil．example',
    'evil。example',
    'evil｡example',
    'Ada\u2028evil',
    'Ada\u202emoc.live',
    'x'.repeat(61),
  ])('puts no untrusted text into a user’s mailbox except a plain name: %j', async (typed) => {
    const { catcher, mailer } = await withServer();
    const device = { appId: null, deviceId: null, deviceName: typed };
    const source = { ip: '203.0.113.9', userAgent: `${typed}/1.0` };
    await mailer.send({ ...MESSAGE, name: typed, device, source }, NEVER);
    const [mail] = catcher.messages;
    expect(mail?.text).toMatch(/^Hello,\n/);
    expect(`${mail?.subject} ${mail?.text} ${mail?.html}`).not.toMatch(/evil|live|<img|xxx/);
    expect(mail?.bcc ?? []).toEqual([]);
    expect(mail?.recipients).toEqual(['ada@example.com']);
  });

  it('escapes characters that a name may contain in HTML', async () => {
    const { catcher, mailer } = await withServer();
    await mailer.send({ ...MESSAGE, name: `O'Neil & "Sons"` }, NEVER);
    const [mail] = catcher.messages;
    expect(mail?.text).toContain(`Hello O'Neil & "Sons",`);
    expect(mail?.html).toContain('Hello O&#39;Neil &amp; &quot;Sons&quot;,');
  });

  it.each([
    'ada@example.com, eve@example.com',
    'ada@example.com\r\nBcc: eve@example.com',
    'Ada <ada@example.com>',
    'ada@example.com> NOTIFY=SUCCESS',
    'nobody',
  ])('sends nothing to an address that is invalid, or more than one: %j', async (to) => {
    const { catcher, mailer } = await withServer();
    await expect(mailer.send({ ...MESSAGE, to }, NEVER)).rejects.toThrow(MailRefusedError);
    expect(catcher.connections).toBe(0);
  });

  it('distinguishes a final refusal from a temporary one', async () => {
    const { catcher, mailer } = await withServer({ refusals: [451, 550] });
    const error = await mailer.send(MESSAGE, NEVER).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(Error);
    expect(error).not.toBeInstanceOf(MailRefusedError);
    await expect(mailer.send(MESSAGE, NEVER)).rejects.toThrow(MailRefusedError);
    await mailer.send(MESSAGE, NEVER);
    expect(catcher.messages).toHaveLength(1);
  });

  it.each([
    ['STARTTLS', { offersTls: true }, (catcher: MailCatcher) => catcher.url],
    ['smtps', { isSecure: true }, (catcher: MailCatcher) => catcher.url.replace('smtp:', 'smtps:')],
  ])('refuses an untrusted certificate: %s', async (_way, options, url) => {
    const { catcher, mailer } = await withServer(options, url);
    const error = await mailer.send(MESSAGE, NEVER).catch((reason: unknown) => reason);
    expect(error).toMatchObject({ message: expect.stringMatching(/self.signed/i) });
    // The operator can fix it: it is tried again.
    expect(error).not.toBeInstanceOf(MailRefusedError);
    expect(catcher.messages).toEqual([]);
  });

  it('sends its password only over an encrypted connection', async () => {
    const login = { user: 'mailer', password: 'pass:word' };
    const { catcher, mailer } = await withServer({ login }, ({ port }) => {
      return `smtp://mailer:${encodeURIComponent(login.password)}@127.0.0.1:${port}`;
    });
    await expect(mailer.send(MESSAGE, NEVER)).rejects.toThrow();
    expect(catcher.passwords).toEqual([]);
    expect(catcher.messages).toEqual([]);
  });

  it('stops when its signal is aborted', async () => {
    const { catcher, mailer } = await withServer({ isSilent: true });
    const giveUp = new AbortController();
    const sending = mailer.send(MESSAGE, giveUp.signal);
    giveUp.abort();
    await expect(sending).rejects.toThrow();
    expect(catcher.messages).toEqual([]);
  });
});
