import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ACCESS_SECRET, ISSUER, REFRESH_SECRET, Service } from '../../../test/support/service.js';
import { readConfig } from '../src/config/config.js';
import { securityTxt } from '../src/web/security-txt.js';

const PATH = '/.well-known/security.txt';
const DAY_MS = 86_400_000;

function contactsOf(given: string): readonly string[] {
  const keys = { JWT_ACCESS_KEYS: ACCESS_SECRET, JWT_REFRESH_KEYS: REFRESH_SECRET };
  return readConfig({ SECURITY_CONTACT: given, ...keys }).securityContacts;
}

describe.each(['express', 'fastify'])('security.txt on %s', (adapter) => {
  let service: Service;

  beforeAll(async () => {
    service = await Service.start({
      HTTP_ADAPTER: adapter,
      SECURITY_CONTACT: 'security@example.com, https://example.com/report',
    });
  });
  afterAll(() => service.dispose());

  it('names the contacts in their order, and expires within a year', async () => {
    const answer = await fetch(`http://127.0.0.1:${service.port}${PATH}?from=a-scanner`);
    expect(answer.status).toBe(200);
    expect(answer.headers.get('content-type')).toBe('text/plain; charset=utf-8');
    const text = await answer.text();
    const [, expires = ''] = /^Expires: (\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)$/m.exec(text) ?? [];
    const days = (Date.parse(expires) - Date.now()) / DAY_MS;
    expect(days).toBeGreaterThan(300);
    expect(days).toBeLessThan(365);
    expect(text.split('\n').filter((line) => !line.startsWith('Expires'))).toEqual([
      'Contact: mailto:security@example.com',
      'Contact: https://example.com/report',
      'Preferred-Languages: en',
      `Canonical: ${ISSUER}${PATH}`,
      '',
    ]);
  });

  it('has its headers without its text for HEAD, and is nothing to POST', async () => {
    const url = `http://127.0.0.1:${service.port}${PATH}`;
    const head = await fetch(url, { method: 'HEAD' });
    expect([head.status, await head.text()]).toEqual([200, '']);
    expect((await fetch(url, { method: 'POST' })).status).toBe(404);
  });
});

describe.each(['express', 'fastify'])('without SECURITY_CONTACT on %s', (adapter) => {
  let service: Service;

  beforeAll(async () => {
    service = await Service.start({ HTTP_ADAPTER: adapter });
  });
  afterAll(() => service.dispose());

  it('there is no security.txt', async () => {
    expect((await fetch(`http://127.0.0.1:${service.port}${PATH}`)).status).toBe(404);
  });
});

describe('SECURITY_CONTACT', () => {
  it('accepts addresses and URIs', () => {
    expect(
      contactsOf('a@example.com,mailto:b@example.com,tel:+1-201-555-0123,https://example.com/c'),
    ).toEqual([
      'mailto:a@example.com',
      'mailto:b@example.com',
      'tel:+1-201-555-0123',
      'https://example.com/c',
    ]);
  });

  it.each([
    'security team',
    'http://example.com',
    'javascript:alert(1)',
    'https://example.com/\nPolicy: https://elsewhere.example',
    'mailto:',
  ])('refuses %j, and names the variable', (given) => {
    expect(() => contactsOf(given)).toThrow(/SECURITY_CONTACT/);
  });
});

describe('the canonical URL', () => {
  const linesFor = (issuer: string) =>
    securityTxt({ securityContacts: ['tel:1'], issuer }, new Date('2026-01-01T00:00:00.123Z')).split('\n');

  it('is given for an issuer on its own origin', () => {
    expect(linesFor('https://auth.example.com')).toEqual([
      'Contact: tel:1',
      'Expires: 2026-12-31T00:00:00Z',
      'Preferred-Languages: en',
      'Canonical: https://auth.example.com/.well-known/security.txt',
      '',
    ]);
  });

  it.each(['http://localhost:3000', 'https://example.com/auth'])('is left out for %s', (issuer) => {
    expect(linesFor(issuer).filter((line) => line.startsWith('Canonical'))).toEqual([]);
  });
});
