import { describe, expect, it } from '@jest/globals';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { AuthHttpException } from '../../src/auth/filters/auth-http.exception.js';
import { CrossSiteGuard } from '../../src/auth/guards/cross-site.guard.js';
import type { AuthError } from '../../src/core/errors.js';
import { resolveOptions } from '../../src/core/options/resolve-options.js';

const TRUSTED = 'https://app.example.com';
const OPTIONS = resolveOptions({
  issuer: 'https://api.example.com/tenant',
  keys: { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] },
  trustedOrigins: [TRUSTED],
});
const guard = new CrossSiteGuard(OPTIONS);

/** The service reached directly, behind a proxy that ends TLS, and under a name that is not the issuer's. */
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
    // Not from a browser: no ambient cookie to abuse.
    [undefined, undefined, 'passes'],
    // The service's own pages.
    [OWN, undefined, 'passes'],
    [OWN, 'same-origin', 'passes'],
    [undefined, 'same-origin', 'passes'],
    // Typed into the address bar, or from a bookmark.
    [undefined, 'none', 'passes'],
    // Trusted pages, wherever they are.
    [TRUSTED, undefined, 'passes'],
    [TRUSTED, 'same-site', 'passes'],
    [TRUSTED, 'cross-site', 'passes'],
    // Another site.
    [EVIL, 'cross-site', 'refused'],
    [EVIL, undefined, 'refused'],
    [undefined, 'cross-site', 'refused'],
    // Another application on the same site is not trusted for that.
    [SIBLING, 'same-site', 'refused'],
    [SIBLING, undefined, 'refused'],
    [undefined, 'same-site', 'refused'],
    // Headers that contradict each other: the worse one counts.
    [EVIL, 'same-origin', 'refused'],
    [EVIL, 'none', 'refused'],
    [OWN, 'cross-site', 'refused'],
    [OWN, 'same-site', 'refused'],
    // A sandboxed frame, a data: URL, a redirect across origins.
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
    `${TRUSTED}, ${EVIL}`,
    '*',
  ])('%s is neither the service’s own nor trusted: origins are compared whole', async (origin) => {
    expect(await ask(DIRECT, origin, undefined)).toBe('refused');
  });

  it('behind a proxy that ends TLS its own pages are those of the issuer on this very host', async () => {
    expect(await ask(BEHIND_PROXY, OWN, 'same-origin')).toBe('passes');
    // The plain origin of the same host is what a service without TLS would be.
    expect(await ask(BEHIND_PROXY, 'http://api.example.com', 'same-origin')).toBe('passes');
    expect(await ask(BEHIND_PROXY, 'https://api.example.com:8443', 'same-origin')).toBe('refused');
  });

  it('under another name than the issuer’s, the issuer’s pages are another origin', async () => {
    expect(await ask(DEVELOPMENT, 'http://localhost:3000', 'same-origin')).toBe('passes');
    expect(await ask(DEVELOPMENT, OWN, undefined)).toBe('refused');
    expect(await ask(DEVELOPMENT, 'http://localhost:5173', 'same-site')).toBe('refused');
    expect(await ask(DEVELOPMENT, 'https://localhost:3000', undefined)).toBe('refused');
  });

  it('does not believe X-Forwarded-Host or -Proto by itself', async () => {
    const forwarded = { 'x-forwarded-host': 'evil.example', 'x-forwarded-proto': 'https' };
    const request = { method: 'POST', headers: { origin: EVIL, ...forwarded }, ...DIRECT };
    await expect(guard.canActivate(new ExecutionContextHost([request]))).rejects.toThrow(AuthHttpException);
  });

  it('a header sent twice is judged by what the first one says', async () => {
    expect(await ask(DIRECT, [EVIL, OWN], undefined)).toBe('refused');
  });

  it('says in its private detail who was refused, shortened, and nothing of it to the client', async () => {
    const origin = `https://${'a'.repeat(500)}.example`;
    const request = { method: 'POST', headers: { origin, 'sec-fetch-site': 'cross-site' }, ...DIRECT };
    const refusal = await Promise.resolve(guard.canActivate(new ExecutionContextHost([request]))).catch(
      (error: unknown) => (error as AuthHttpException).cause,
    );
    expect(refusal).toMatchObject({ code: 'CROSS_SITE_REQUEST', keepsCookie: false });
    const { detail, message } = refusal as AuthError;
    expect(detail).toContain('https://aaa');
    expect(detail?.length).toBeLessThan(200);
    expect(message).not.toContain('aaa');
  });
});
