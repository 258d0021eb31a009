import 'fake-indexeddb/auto';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { COOKIE, PASSWORD, uniqueEmail } from '../../../test/support/http.js';
import { Service } from '../../../test/support/service.js';
import { claimsOf } from '../../../test/support/tokens.js';
import { proofOfPossession } from '../src/proof.js';
import { Browser, statusOf, type Tab, until } from './support/browser.js';
import { FRESH_MS } from './support/stage.js';

const another = async ({ auth, host }: Tab) => {
  host.sleep(FRESH_MS);
  return auth.getAccessToken({ refused: (await auth.getAccessToken()) ?? '' });
};
const loseKey = () => void indexedDB.deleteDatabase('nestjs-silent-auth-key');

describe('proof of possession', () => {
  let service: Service;
  let browser: Browser;

  beforeAll(async () => {
    service = await Service.start();
  });
  afterAll(() => service.dispose());
  beforeEach(() => {
    browser = new Browser(`${service.origin}/auth`);
  });
  afterEach(() => {
    browser.close();
    loseKey();
  });
  const tab = () => browser.tab({ proof: proofOfPossession() });
  const registered = async () => {
    const first = tab();
    const email = uniqueEmail('bound');
    await first.auth.register({ email, password: PASSWORD });
    return { first, email, cookie: browser.jar.cookies.get(COOKIE) ?? '' };
  };
  const thumbprint = () => claimsOf(browser.jar.cookies.get(COOKIE) ?? '').cnf;

  it('binds the session; refresh, other tabs, reload, change of password and logout still work', async () => {
    const { first } = await registered();
    const key = thumbprint();
    expect(key).toMatchObject({ jkt: expect.stringMatching(/^[\w-]{43}$/) });
    await another(first);
    expect((await tab().auth.restore()).session).toMatchObject({ generation: 2 });
    await first.auth.changePassword({ currentPassword: PASSWORD, newPassword: `${PASSWORD}-new` });
    await another(first);
    expect(thumbprint()).toEqual(key);
    await first.auth.logout();
    expect((await tab().auth.restore()).status).toBe('signed-out');
  });

  it("a copied cookie is useless, and the owner's session continues", async () => {
    const { first, cookie } = await registered();
    const thief = await service.api().refreshByCookie(cookie);
    expect([thief.status, thief.json.code]).toEqual([401, 'PROOF_REQUIRED']);
    expect(await another(first)).toMatch(/\./);
    expect(first.signedOut).toEqual([]);
  });

  it('the user logs in again if the key is lost', async () => {
    const { first, email } = await registered();
    loseKey();
    expect(await another(first)).toBeNull();
    expect(first.signedOut).toEqual(['PROOF_KEY_LOST']);
    await first.auth.login({ email, password: PASSWORD });
    expect(await another(first)).toMatch(/\./);
    expect(statusOf(first)).toBe('signed-in');
  });

  it('if the service refuses a key that is not lost, the user stays signed in', async () => {
    const { first } = await registered();
    let isWrong = true;
    const mistaken: typeof fetch = (input, init) => {
      const headers = new Headers(init?.headers);
      if (isWrong) headers.delete('dpop');
      return browser.jar.fetch(input, { ...init, headers });
    };
    const other = browser.tab({ proof: proofOfPossession(), fetch: mistaken });
    const restored = other.auth.restore().catch((error: unknown) => error);
    await other.host.passTimer(375);
    await other.host.passTimer(750);
    expect(await restored).toMatchObject({ code: 'PROOF_REQUIRED' });
    expect([statusOf(other), other.signedOut, first.signedOut]).toEqual(['unknown', [], []]);
    isWrong = false;
    other.host.show(true);
    await until(() => statusOf(other) === 'signed-in');
  });

  it('a refusal with Retry-After does not mean that the key is lost', async () => {
    const refusal = (headers: Record<string, string>) =>
      Response.json({ code: 'PROOF_REQUIRED' }, { status: 401, headers });
    const codeAfter = async (headers: Record<string, string>) => {
      const send = proofOfPossession()(async () => refusal(headers));
      return (await send('https://app.example/auth/refresh', { method: 'POST' })).json();
    };
    expect(await codeAfter({ 'retry-after': '5' })).toMatchObject({ code: 'PROOF_REQUIRED' });
    expect(await codeAfter({})).toMatchObject({ code: 'PROOF_KEY_LOST' });
  });

  it('without WebCrypto or a place for the key, sessions are not bound', async () => {
    const { subtle } = crypto;
    Object.defineProperty(crypto, 'subtle', { value: undefined, configurable: true });
    try {
      const { first } = await registered();
      expect(thumbprint()).toBeUndefined();
      expect(await another(first)).toMatch(/\./);
    } finally {
      Object.defineProperty(crypto, 'subtle', { value: subtle, configurable: true });
    }
    const kept = Object.getOwnPropertyDescriptor(globalThis, 'indexedDB') as PropertyDescriptor;
    Object.defineProperty(globalThis, 'indexedDB', { value: undefined, configurable: true });
    try {
      await registered();
      expect(thumbprint()).toBeUndefined();
    } finally {
      Object.defineProperty(globalThis, 'indexedDB', kept);
    }
  });

  it('an unbound session stays unbound, and a client with a key can refresh it', async () => {
    const plain = browser.tab();
    await plain.auth.register({ email: uniqueEmail('plain'), password: PASSWORD });
    expect((await tab().auth.restore()).status).toBe('signed-in');
  });
});
