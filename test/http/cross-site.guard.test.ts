import { describe, expect, it } from '@jest/globals';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import type { AuthError } from '../../src/core/errors.js';
import { AuthHttpException } from '../../src/http/filters/auth-http.exception.js';
import { CrossSiteGuard } from '../../src/http/guards/cross-site.guard.js';
import type { AuthOptions } from '../../src/options/auth-options.js';
import { resolveOptions } from '../../src/options/resolve-options.js';

const TRUSTED = 'https://app.example.com';
const KEYS = { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] };
const OPTIONS = resolveOptions({
  issuer: 'https://api.example.com/tenant',
  keys: KEYS,
  trustedOrigins: [TRUSTED],
});
const guard = new CrossSiteGuard(OPTIONS);

/** A service reached directly, one behind a proxy that ends TLS, and one under a name other than the issuer's. */
const DIRECT = { protocol: 'https', host: 'api.example.com' };
const BEHIND_PROXY = { protocol: 'http', host: 'api.example.com' };
const DEVELOPMENT = { protocol: 'http', host: 'localhost:3000' };

type Server = typeof DIRECT;
type Site = 'same-origin' | 'same-site' | 'cross-site' | 'none' | undefined;

async function ask(
  server: Server,
  origin: string | string[] | undefined,
  site: Site,
): Promise<'passes' | 'refused'> {
  const request = { method: 'POST', headers: { origin, 'sec-fetch-site': site }, ...server };
  try {
    await guard.canActivate(new ExecutionContextHost([request]));
    return 'passes';
  } catch (error) {
    if (error instanceof AuthHttpException && error.cause.code === 'CROSS_SITE_REQUEST') return 'refused';
    throw error;
  }
}

const OWN = 'https://api.example.com';
const EVIL = 'https://evil.example';
const SIBLING = 'https://blog.example.com';

describe(CrossSiteGuard.name, () => {
  it.each<[origin: string | undefined, site: Site, verdict: 'passes' | 'refused']>([
    // Not a browser, so it sends no cookie by itself.
    [undefined, undefined, 'passes'],
    // The service's own pages.
    [OWN, undefined, 'passes'],
    [OWN, 'same-origin', 'passes'],
    [undefined, 'same-origin', 'passes'],
    // Typed into the address bar, or opened from a bookmark.
    [undefined, 'none', 'passes'],
    // Trusted pages on any site.
    [TRUSTED, undefined, 'passes'],
    [TRUSTED, 'same-site', 'passes'],
    [TRUSTED, 'cross-site', 'passes'],
    // Another site.
    [EVIL, 'cross-site', 'refused'],
    [EVIL, undefined, 'refused'],
    [undefined, 'cross-site', 'refused'],
    // Another application on the same site is not trusted because of that.
    [SIBLING, 'same-site', 'refused'],
    [SIBLING, undefined, 'refused'],
    [undefined, 'same-site', 'refused'],
    // The browser compared the page with the URL it requested; a proxy may have changed what arrives here.
    [EVIL, 'same-origin', 'passes'],
    ['null', 'same-origin', 'passes'],
    // If the headers contradict each other, the less trusted one counts.
    [EVIL, 'none', 'refused'],
    [OWN, 'cross-site', 'refused'],
    [OWN, 'same-site', 'refused'],
    // From a sandboxed frame, a data: URL, or a redirect across origins.
    ['null', 'cross-site', 'refused'],
    ['null', undefined, 'refused'],
    ['', undefined, 'refused'],
  ])('origin %s with sec-fetch-site %s %s', async (origin, site, verdict) => {
    expect(await ask(DIRECT, origin, site)).toBe(verdict);
    expect(await ask(BEHIND_PROXY, origin, site)).toBe(verdict);
  });

  it.each([
    'http://api.example.com',
    'https://api.example.com:8443',
    'https://api.example.com.evil.example',
    'https://evil.example/https://api.example.com',
    'https://xapi.example.com',
    'https://api.example.com@evil.example',
    'https://app.example.com.evil.example',
    'http://app.example.com',
    'https://APP.EXAMPLE.COM',
    `${TRUSTED}/`,
    `${OWN}/page`,
    ` ${OWN}`,
    `${TRUSTED}, ${EVIL}`,
    '*',
  ])('%s is neither the service’s own nor trusted: whole origins are compared', async (origin) => {
    expect(await ask(DIRECT, origin, undefined)).toBe('refused');
  });

  it('behind a proxy that ends TLS, its own pages have the issuer’s origin on the same host', async () => {
    expect(await ask(BEHIND_PROXY, OWN, undefined)).toBe('passes');
    // The plain HTTP origin of a host with HTTPS: anybody in the network can serve a page there.
    expect(await ask(BEHIND_PROXY, 'http://api.example.com', undefined)).toBe('refused');
    expect(
      await ask({ ...BEHIND_PROXY, host: 'api.example.com:8080' }, 'http://api.example.com:8080', undefined),
    ).toBe('refused');
    expect(await ask(BEHIND_PROXY, 'https://api.example.com:8443', undefined)).toBe('refused');
  });

  it.each(['origin.internal', 'API.EXAMPLE.COM', 'api.example.com:443', ''])(
    'the issuer’s pages are its own, whatever Host a proxy sends: %j',
    async (host) => {
      for (const protocol of ['http', 'https'])
        for (const origin of [OWN, 'https://API.example.com'])
          expect(await ask({ protocol, host }, origin, undefined)).toBe('passes');
      expect(await ask({ protocol: 'https', host }, EVIL, undefined)).toBe('refused');
    },
  );

  it.each(['LOCALHOST:3000', 'localhost:3000'])('a host is compared case-insensitively: %s', async (host) => {
    expect(await ask({ protocol: 'http', host }, 'http://localhost:3000', undefined)).toBe('passes');
  });

  it('under a name other than the issuer’s, only pages of that host are its own', async () => {
    expect(await ask(DEVELOPMENT, 'http://localhost:3000', undefined)).toBe('passes');
    expect(await ask(DEVELOPMENT, 'http://localhost:5173', 'same-site')).toBe('refused');
    expect(await ask(DEVELOPMENT, 'https://localhost:3000', undefined)).toBe('refused');
  });

  it('a page of the issuer on another port is its own if the request went to that port', async () => {
    const server = { protocol: 'https', host: 'api.example.com:8443' };
    expect(await ask(server, 'https://api.example.com:8443', undefined)).toBe('passes');
  });

  it('an issuer without HTTPS accepts pages without HTTPS', () => {
    const plain = new CrossSiteGuard(resolveOptions({ issuer: 'http://localhost:3000', keys: KEYS }));
    const headers = { origin: 'http://localhost:4000' };
    const request = { method: 'POST', headers, protocol: 'http', host: 'localhost:4000' };
    expect(plain.canActivate(new ExecutionContextHost([request]))).toBe(true);
  });

  it('does not trust X-Forwarded-Host or -Proto by itself', async () => {
    const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const request = { method: 'POST', headers: { origin: EVIL, ...forwarded }, ...DIRECT };
    await expect(guard.canActivate(new ExecutionContextHost([request]))).rejects.toThrow(AuthHttpException);
  });

  it('for a repeated header, the first value counts', async () => {
    expect(await ask(DIRECT, [EVIL, OWN], undefined)).toBe('refused');
  });

  it('names the refused origin, shortened, in its private detail, and never to the client', async () => {
    const origin = `https://${'a'.repeat(500)}.example`;
    const request = { method: 'POST', headers: { origin, 'sec-fetch-site': 'cross-site' }, ...DIRECT };
    const refusal = await Promise.resolve(guard.canActivate(new ExecutionContextHost([request]))).catch(
      (error: unknown) => (error as AuthHttpException).cause,
    );
    expect(refusal).toMatchObject({ code: 'CROSS_SITE_REQUEST', keepsCookie: false });
    const { detail, message } = refusal as AuthError;
    expect(detail).toContain('https://aaa');
    expect(detail?.length).toBeLessThan(250);
    expect(detail).toContain('trustedOrigins');
    expect(message).not.toContain('aaa');
  });

  it('writes no control characters to the log', async () => {
    const origin = 'https://\u009b31mEVIL\u0085fake\u2028line\n';
    const request = { method: 'POST', headers: { origin }, ...DIRECT };
    const refusal = await Promise.resolve(guard.canActivate(new ExecutionContextHost([request]))).catch(
      (error: unknown) => (error as AuthHttpException).cause,
    );
    const { detail } = refusal as AuthError;
    expect(detail).not.toMatch(/[\p{Cc}\u2028]/u);
    expect(detail).toContain('origin https://31mEVILfakeline, ');
  });

  describe('trusted origins', () => {
    const guardWith = (trustedOrigins: AuthOptions['trustedOrigins']) =>
      new CrossSiteGuard(resolveOptions({ issuer: 'https://api.example.com', keys: KEYS, trustedOrigins }));
    const passes = async (by: CrossSiteGuard, origin: string) => {
      const request = { method: 'POST', headers: { origin, 'sec-fetch-site': 'cross-site' }, ...DIRECT };
      return Promise.resolve(by.canActivate(new ExecutionContextHost([request]))).then(
        () => true,
        () => false,
      );
    };

    it.each([
      ['https://pr-7.preview.example.com', true],
      ['https://a.b.preview.example.com', true],
      ['https://preview.example.com', false],
      ['http://pr-7.preview.example.com', false],
      ['https://pr-7.preview.example.com:8443', false],
      ['https://pr-7.preview.example.com.evil.example', false],
      ['https://evil.example/.preview.example.com', false],
      ['https://evil.example#.preview.example.com', false],
      ['https://pr-7-previewxexample.com', false],
      ['https://.preview.example.com', false],
      ['https://*.preview.example.com', false],
      ['null', false],
    ])('match a pattern: %s %s', async (origin, verdict) => {
      expect(await passes(guardWith([TRUSTED, 'https://*.preview.example.com']), origin)).toBe(verdict);
    });

    it('match a function, which must return true', async () => {
      const asked: string[] = [];
      const by = guardWith((origin) => {
        asked.push(origin);
        return origin.endsWith('.tenant.example') || (Promise.resolve(true) as never);
      });
      expect(await passes(by, 'https://a.tenant.example')).toBe(true);
      expect(await passes(by, EVIL)).toBe(false);
      expect(asked).toEqual(['https://a.tenant.example', EVIL]);
    });
  });
});
