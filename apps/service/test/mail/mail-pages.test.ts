import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ADAPTERS } from '../../../../test/support/host-app.js';
import { type Answer, expectError } from '../../../../test/support/http.js';
import { linkedFiles } from '../../../../test/support/linked-files.js';
import { type Environment, Service } from '../../../../test/support/service.js';

const PAGES = ['/reset-password', '/verify-email'] as const;
const SMTP = { SMTP_URL: 'smtp://127.0.0.1:1', MAIL_FROM: 'no-reply@example.com' };

describe.each(ADAPTERS)('the pages that mail links to, on %s', (adapter) => {
  let service: Service;
  beforeAll(async () => {
    service = await Service.start({ HTTP_ADAPTER: adapter, DEMO: 'off' });
  });
  afterAll(() => service.dispose());

  it.each(PAGES)(
    '%s is there without a demo, with a policy that turns no text into a document',
    async (path) => {
      const page = await service.api().send('GET', path);
      expect(page.status).toBe(200);
      expect(page.headers['content-type']).toBe('text/html; charset=utf-8');
      expect(String(page.headers['content-security-policy']).split('; ')).toEqual([
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "connect-src 'self'",
        "img-src 'self'",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
      ]);
      expect(page.headers).toMatchObject({
        'cache-control': 'no-store',
        'referrer-policy': 'no-referrer',
        'x-content-type-options': 'nosniff',
        'x-frame-options': 'SAMEORIGIN',
      });
      expect(page.headers['set-cookie']).toBeUndefined();
      expect(page.text).not.toMatch(/<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=|https?:|\{\{/);
      expect((await service.api().send('HEAD', path)).headers['content-length']).toBe(
        String(Buffer.byteLength(page.text)),
      );
      expectError(await service.api().post(path, { token: 'x' }), 404, 'NOT_FOUND');
      expectError(await service.api().send('GET', `${path}/`), 404, 'NOT_FOUND');
    },
  );

  it.each(PAGES)('%s refers to its files relative to its own URL, and every one exists', async (path) => {
    const paths = await linkedFiles(service.api(), path);
    expect(paths).toEqual(
      expect.arrayContaining([
        `${path}/main.js`,
        `${path}/base.css`,
        `${path}/sheet.css`,
        `${path}/icon.svg`,
      ]),
    );
    for (const file of paths.slice(1)) {
      const { headers } = await service.api().send('GET', file);
      expect(headers['cache-control']).toBe('no-cache');
      const known = await service.api().send('GET', file, {
        headers: { 'if-none-match': String(headers.etag) },
      });
      expect(known.status).toBe(304);
    }
    // Works in whatever folder a proxy serves it.
    const { text } = await service.api().send('GET', path);
    expect(text).not.toMatch(/(?:src|href)="\//);
  });
});

describe('what a mail page says about the service', () => {
  async function pagesOf(environment: Environment): Promise<{ reset: string; verify: string }> {
    const service = await Service.start(environment);
    try {
      const [reset, verify] = (await Promise.all(PAGES.map((path) => service.api().send('GET', path)))) as [
        Answer,
        Answer,
      ];
      return { reset: reset.text, verify: verify.text };
    } finally {
      await service.dispose();
    }
  }

  it('in development: mail is on the terminal, and users sign in on the demo page', async () => {
    const { reset, verify } = await pagesOf({});
    expect(reset).toContain('<body data-mail="terminal">');
    for (const page of [reset, verify]) expect(page).toContain('href="./">Sign in</a>');
  });

  it('in production without a front end: no place to sign in', async () => {
    const { reset, verify } = await pagesOf({ ...SMTP, NODE_ENV: 'production' });
    expect(reset).toContain('<body data-mail="sent">');
    for (const page of [reset, verify]) expect(page).toContain('href="">Sign in</a>');
  });

  it('with a front end: that users sign in there, whatever its URL contains', async () => {
    const { reset } = await pagesOf({ ...SMTP, APP_URL: 'https://app.example.com/a&b' });
    expect(reset).toContain('href="https://app.example.com/a&amp;b">Sign in</a>');
  });

  it('without mail: that there is none', async () => {
    const { reset } = await pagesOf({ NODE_ENV: 'test' });
    expect(reset).toContain('<body data-mail="none">');
  });
});
