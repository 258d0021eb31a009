/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { type AuthClient, createAuthClient, type TokenStorage } from '../src/index.js';
import { refusal } from './support/auth-server.js';
import { ADA, CookieJar, until } from './support/browser.js';
import { FRESH_MS, stage } from './support/stage.js';

const on = stage();
const made: AuthClient[] = [];
const client = (options: Partial<Parameters<typeof createAuthClient>[0]> = {}) => {
  const auth = createAuthClient({ baseUrl: on.server.baseUrl, ...options } as never);
  made.push(auth);
  return auth;
};
afterEach(() => made.splice(0).forEach((auth) => auth.close()));

/** 16 bytes in base64url. */
const ATTEMPT = /^[\w-]{21}[AQgw]$/;

/** Lets time pass until the token is no longer new. */
function age(): void {
  const now = Date.now.bind(Date);
  jest.spyOn(Date, 'now').mockImplementation(() => now() + FRESH_MS);
}
afterEach(() => void jest.restoreAllMocks());

class Keychain implements TokenStorage {
  token: string | null = null;
  readonly log: string[] = [];
  fault: Error | null = null;

  async load() {
    return this.token;
  }
  async save(token: string) {
    if (this.fault) throw this.fault;
    this.log.push(`save ${token}`);
    this.token = token;
  }
  async clear() {
    this.token = null;
  }
}

describe('in a document', () => {
  beforeEach(() => localStorage.clear());

  it('checks the token when the page is shown', async () => {
    on.server.expiresIn = 0;
    const auth = client({ fetch: new CookieJar().fetch });
    await auth.login(ADA);
    document.dispatchEvent(new Event('visibilitychange'));
    await until(() => auth.getState().session?.generation === 1);
  });

  it('two clients are two tabs and share what they know', async () => {
    const { fetch } = new CookieJar();
    const [first, second] = [client({ fetch }), client({ fetch })];
    await first.login(ADA);
    await until(() => second.getState().status === 'signed-in');
    await second.logout();
    await until(() => first.getState().status === 'signed-out');
    expect(on.server.count('/auth/refresh')).toBe(0);
  });

  it('keeps no token where another script could read it', async () => {
    const auth = client({ fetch: new CookieJar().fetch });
    await auth.login(ADA);
    expect(localStorage.length + sessionStorage.length).toBe(0);
    expect(JSON.stringify(auth.getState())).not.toContain(await auth.getAccessToken());
  });

  it('leaves nothing behind but a note of a failed logout', async () => {
    const auth = client({ fetch: new CookieJar().fetch });
    await auth.login(ADA);
    on.server.answer('/auth/logout', { isLost: true });
    await auth.logout().catch(() => undefined);
    expect({ ...localStorage }).toEqual({ [`nestjs-silent-auth:${on.server.baseUrl}`]: '1' });
    await auth.logout();
    expect({ ...localStorage }).toEqual({ [`nestjs-silent-auth:${on.server.baseUrl}`]: '0' });
  });
});

describe('body transport', () => {
  const withKeychain = () => {
    const storage = new Keychain();
    return { storage, auth: client({ transport: 'body', storage }) };
  };

  it('requests the token in the body, stores it, then uses it', async () => {
    const { auth, storage } = withKeychain();
    auth.subscribe(({ status }) => void storage.log.push(status));
    await auth.login(ADA);
    age();
    await auth.getAccessToken({ refused: (await auth.getAccessToken()) ?? '' });
    expect(JSON.parse(on.server.to('/auth/login')[0]?.body ?? '')).toMatchObject({ transport: 'body' });
    const { refreshToken, attempt } = JSON.parse(on.server.to('/auth/refresh')[0]?.body ?? '');
    expect([refreshToken, attempt]).toEqual(['s1.0', expect.stringMatching(ATTEMPT)]);
    expect(storage.log).toEqual([
      'unknown',
      'save s1.0',
      'signed-in',
      `save ${JSON.stringify({ refreshToken, attempt })}`,
      `save ${JSON.stringify({ previous: attempt, session: 's1', generation: 1, refreshToken: 's1.1' })}`,
      'signed-in',
    ]);
  });

  it('a token that could not be stored is not used', async () => {
    const { auth, storage } = withKeychain();
    storage.fault = new Error('the keychain is locked');
    await expect(auth.login(ADA)).rejects.toMatchObject({ code: 'STORAGE_FAILED', cause: storage.fault });
    expect(auth.getState().status).toBe('unknown');
  });

  it('sends the token at logout and forgets it, also after a final refusal', async () => {
    const { auth, storage } = withKeychain();
    await auth.login(ADA);
    await auth.logout();
    expect(JSON.parse(on.server.to('/auth/logout')[0]?.body ?? '')).toEqual({ refreshToken: 's1.0' });
    expect(storage.token).toBeNull();
    await auth.login(ADA);
    on.server.answer('/auth/refresh', refusal(401, 'SESSION_REVOKED'));
    age();
    expect(await auth.getAccessToken({ refused: (await auth.getAccessToken()) ?? '' })).toBeNull();
    expect(storage.token).toBeNull();
  });

  it('a final refusal signs out, whether or not the token can be forgotten', async () => {
    const { auth, storage } = withKeychain();
    await auth.login(ADA);
    storage.clear = () => Promise.reject(new Error('the keychain is locked'));
    on.server.answer('/auth/refresh', refusal(401, 'SESSION_REVOKED'));
    age();
    const refused = (await auth.getAccessToken()) ?? '';
    await expect(auth.getAccessToken({ refused })).rejects.toMatchObject({ code: 'STORAGE_FAILED' });
    expect(auth.getState().status).toBe('signed-out');
  });

  it('restores from the storage; clients of other users on the page receive nothing', async () => {
    const { auth, storage } = withKeychain();
    const other = withKeychain();
    storage.token = 's1.0';
    await other.auth.login(ADA);
    expect((await auth.restore()).status).toBe('signed-in');
    await other.auth.logout();
    expect(auth.getState().status).toBe('signed-in');
  });
});

describe('isTrusted', () => {
  it('does not trust the origin of a foreign <base>', () => {
    const base = document.head.appendChild(document.createElement('base'));
    base.href = 'https://cdn.example.com/';
    const auth = client();
    expect(auth.isTrusted('api')).toBe(false);
    expect(auth.isTrusted('https://cdn.example.com/x')).toBe(false);
    expect(auth.isTrusted(`${location.origin}/x`)).toBe(true);
    base.remove();
  });

  it('trusts only the page, the auth server and the origins of the option', () => {
    const auth = client({ trustedOrigins: ['https://orders.example.com/any/path'] });
    for (const url of [
      '/api',
      'api',
      `${location.origin}/x`,
      `${on.server.origin}/api`,
      'https://orders.example.com/1',
    ])
      expect([url, auth.isTrusted(url)]).toEqual([url, true]);
    for (const url of [
      'https://example.com',
      '//evil.example.com/api',
      'http://orders.example.com',
      'https://orders.example.com.evil.example',
      'https://orders.example.com:8443/',
      'https://orders.example.com@evil.example/',
      'data:text/plain,x',
      'http://[',
    ])
      expect([url, auth.isTrusted(url)]).toEqual([url, false]);
  });
});
