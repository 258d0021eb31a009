import { describe, expect, it } from '@jest/globals';
import { parseSender, parseSmtpUrl, withoutPassword } from '../../src/mail/mail-settings.js';

describe(parseSmtpUrl.name, () => {
  it.each([
    ['smtp://mail:1025', { host: 'mail', port: 1025, isSecure: false, login: null }],
    ['smtp://mail.example.com', { host: 'mail.example.com', port: 587, isSecure: false, login: null }],
    ['smtp://[::1]:25/', { host: '::1', port: 25, isSecure: false, login: null }],
    [
      'smtps://a%40b:p%3Aw@mail.example.com',
      { host: 'mail.example.com', port: 465, isSecure: true, login: { user: 'a@b', password: 'p:w' } },
    ],
  ])('reads %s', (text, server) => {
    expect(parseSmtpUrl(text)).toEqual(server);
  });

  it.each([
    'mail.example.com',
    'https://mail.example.com',
    'smtp://',
    'smtp://user@mail.example.com',
    'smtp://mail.example.com/?tls.rejectUnauthorized=false',
    'smtp://mail.example.com/path',
    'smtp://us%er:pass@mail.example.com',
  ])('refuses %s', (text) => {
    expect(parseSmtpUrl(text)).toBeNull();
  });
});

describe(withoutPassword.name, () => {
  it.each(['ftp://user:hunter2@mail.example.com', 'smtp:hunter2', 'hunter2', 'smtp://user:hunter2@x/?a'])(
    'shows no password: %s',
    (text) => {
      expect(withoutPassword(text)).not.toContain('hunter2');
    },
  );
});

describe(parseSender.name, () => {
  it.each([
    ['no-reply@example.com', { name: '', address: 'no-reply@example.com' }],
    ['Example <no-reply@example.com>', { name: 'Example', address: 'no-reply@example.com' }],
    ['"Example, Inc." <no-reply@example.com>', { name: 'Example, Inc.', address: 'no-reply@example.com' }],
  ])('reads %s', (text, sender) => {
    expect(parseSender(text)).toEqual(sender);
  });

  it.each(['', 'Example', 'a@b, c@d', 'Example <a@b>, <c@d>', 'Exa\nmple <a@b>', '<>'])(
    'refuses %j',
    (text) => {
      expect(parseSender(text)).toBeNull();
    },
  );
});
