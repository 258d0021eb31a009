import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { AbortController as OldAbortController } from 'abort-controller';
import { type AuthClient, createAuthClient } from '../src/index.js';
import { gate } from './support/auth-server.js';
import { ADA, until } from './support/browser.js';
import { FRESH_MS, stage } from './support/stage.js';

const on = stage();
const Complete = globalThis.URL;

/** As React Native 0.76 has it. */
class WithoutOrigin {
  readonly href: string;
  constructor(url: string) {
    this.href = url.endsWith('/') ? url : `${url}/`;
  }
  get origin(): string {
    throw new Error('URL.origin is not implemented');
  }
  toString(): string {
    return this.href;
  }
}

/** As in React Native 0.81: a URL that the pattern does not match counts as relative. */
class ByPattern extends WithoutOrigin {
  constructor(url: string, base?: string) {
    super(/^https?:\/\/[a-z0-9.-]+(?::\d{2,5})?(?:\/|$)/.test(url) ? url : `${base ?? ''}/${url}`);
  }
  override get origin(): string {
    return /^(https?:\/\/[^/]+)/.exec(this.href)?.[1] ?? '';
  }
}

describe.each([
  ['without an origin', WithoutOrigin],
  ['by a pattern', ByPattern],
  ['complete', Complete],
])('a native application whose URL is %s, with an old AbortController and no crypto', (_, Url) => {
  const kept = Object.getOwnPropertyDescriptors(globalThis);
  const auths: AuthClient[] = [];
  let stored: string | null = null;
  const storage = {
    load: async () => stored,
    save: async (text: string) => void (stored = text),
    clear: async () => void (stored = null),
  };
  const client = (more: object = {}) => {
    const auth = createAuthClient({
      baseUrl: on.server.baseUrl,
      transport: 'body',
      storage,
      // Node's fetch accepts no signals but its own.
      fetch: (input, init) => fetch(input, { ...init, signal: null }),
      ...more,
    });
    auths.push(auth);
    return auth;
  };

  beforeEach(() => {
    stored = null;
    Object.defineProperty(globalThis, 'URL', { value: Url, configurable: true });
    Object.defineProperty(globalThis, 'AbortController', { value: OldAbortController, configurable: true });
    Object.defineProperty(globalThis, 'crypto', { value: undefined, configurable: true });
  });
  afterEach(() => {
    for (const name of ['URL', 'AbortController', 'crypto'] as const)
      Object.defineProperty(globalThis, name, kept[name]);
    for (const auth of auths.splice(0)) auth.close();
    jest.restoreAllMocks();
  });

  it('signs in, sends the token, refreshes, signs out', async () => {
    const auth = client();
    await auth.login(ADA);
    const path = `${on.server.origin}/api/orders?x=1`;
    expect((await auth.fetch(path)).status).toBe(200);
    expect(on.server.received.at(-1)?.path).toBe('/api/orders?x=1');
    // A refusal of a new token is no reason to refresh.
    const now = Date.now.bind(Date);
    jest.spyOn(Date, 'now').mockImplementation(() => now() + FRESH_MS);
    on.server.refused.add((await auth.getAccessToken()) ?? '');
    expect((await auth.fetch(path)).status).toBe(200);
    expect(JSON.parse(on.server.to('/auth/refresh')[0]?.body ?? '').attempt).toMatch(/^[\w-]{21}[AQgw]$/);
    await auth.logout();
    expect(auth.getState().status).toBe('signed-out');
    expect(stored).toBeNull();
  });

  it('a login that is overtaken rejects with SUPERSEDED', async () => {
    const auth = client();
    const { opened, open } = gate();
    on.server.disturb('/auth/login', { after: opened });
    const arrived = on.server.arrival('/auth/login');
    const late = auth.login(ADA).catch((error: unknown) => error);
    await arrived;
    const left = auth.logout();
    open();
    expect(await late).toMatchObject({ code: 'SUPERSEDED' });
    await left;
    const signal = new OldAbortController();
    const asked = auth
      .getAccessToken({ signal: signal.signal as AbortSignal })
      .catch((error: unknown) => error);
    signal.abort();
    expect([null, 'AbortError']).toContain(((await asked) as Error | null)?.name ?? null);
    await until(() => auth.getState().status === 'signed-out');
  });

  it('trusts the configured origins in any spelling, and no other', () => {
    const auth = client({ trustedOrigins: ['https://Orders.example.com'] });
    const { host } = new Complete(on.server.origin);
    for (const url of [
      `${on.server.origin}/x`,
      `HTTP://${host}/x`,
      'https://orders.example.com:443/x',
      'https://ORDERS.example.com?x',
    ])
      expect([url, auth.isTrusted(url)]).toEqual([url, true]);
    for (const url of [
      'https://EVIL.example/x',
      'HTTPS://evil.example/x',
      'https://u:p@evil.example/x',
      `http://${host}@evil.example/`,
      `http://${host}.evil.example/`,
      `http://${host}0/`,
      'http://x:8/',
      'https://10.0.0.255/',
      'http://orders.example.com/',
      'https://orders.example.com:8443/',
      '//evil.example/x',
      '/x',
    ])
      expect([url, auth.isTrusted(url)]).toEqual([url, false]);
    // If the runtime reads the backslash as a slash, the request goes to that URL.
    if (Url !== Complete) expect(auth.isTrusted(`http://${host}\\@evil.example/`)).toBe(false);
  });
});

describe('options that cannot work', () => {
  it.each([
    ['no baseUrl', { baseUrl: undefined }],
    ['an empty baseUrl', { baseUrl: '' }],
    ['a baseUrl of another type', { baseUrl: 'ftp://example.com/auth' }],
    ['an invalid trusted origin', { baseUrl: 'https://a.example', trustedOrigins: ['orders.example.com'] }],
    ['a trusted pattern', { baseUrl: 'https://a.example', trustedOrigins: ['https://*.example.com'] }],
    ['body transport without a storage', { baseUrl: 'https://a.example', transport: 'body' }],
    ['a storage without body transport', { baseUrl: 'https://a.example', storage: {} }],
  ])('are refused: %s', (_, options) => {
    expect(() => createAuthClient(options as never)).toThrow(
      expect.objectContaining({ code: 'INVALID_OPTIONS' }),
    );
  });

  it('a relative baseUrl without a page is refused by its first use, so that servers can import the module', async () => {
    const auth = createAuthClient({ baseUrl: '/auth' });
    await expect(auth.login(ADA)).rejects.toMatchObject({ code: 'INVALID_OPTIONS' });
    expect(auth.isTrusted('/auth')).toBe(false);
    auth.close();
  });
});
