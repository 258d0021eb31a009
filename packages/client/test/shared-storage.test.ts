import { beforeEach, describe, expect, it } from '@jest/globals';
import { gate, refusal } from './support/auth-server.js';
import { ADA, type Tab } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();
const GRACE = { email: 'grace@example.com', password: 'nine-Herons-over-the-marsh' };

/** Two parts of one application, such as the popup and the options page of an extension. */
describe('two clients with one storage', () => {
  let stored: string | null;
  let one: Tab;
  let other: Tab;
  const storage = {
    load: async () => stored,
    save: async (text: string) => void (stored = text),
    clear: async () => void (stored = null),
  };
  const client = () => on.browser.tab({ transport: 'body', storage });

  beforeEach(async () => {
    stored = null;
    [one, other] = [client(), client()];
    await one.auth.login(ADA);
  });

  /** Signs in again in one client while a request of the other waits for its answer. */
  async function signInDuring(path: string, reply: object, act: () => Promise<unknown>): Promise<void> {
    const { opened, open } = gate();
    on.server.answer(path, { ...reply, after: opened });
    const arrived = on.server.arrival(path);
    const acting = act();
    await arrived;
    await one.auth.login(GRACE);
    open();
    await acting;
  }

  it.each(['REFRESH_TOKEN_REUSED', 'SESSION_REVOKED', 'REFRESH_TOKEN_INVALID', 'REFRESH_TOKEN_MISSING'])(
    'a late %s of the token before does not remove the one of a new sign-in',
    async (code) => {
      await signInDuring('/auth/refresh', refusal(401, code), () => other.auth.restore());
      expect(stored).toBe('s2.0');
      expect(await other.auth.restore()).toMatchObject({ user: { id: GRACE.email } });
      expect(await client().auth.restore()).toMatchObject({ user: { id: GRACE.email } });
    },
  );

  it('a refusal of the stored token still removes it, and is not repeated', async () => {
    on.server.answer('/auth/refresh', refusal(401, 'SESSION_REVOKED'));
    expect((await other.auth.restore()).status).toBe('signed-out');
    expect([stored, on.server.count('/auth/refresh')]).toEqual([null, 1]);
  });

  it('a late answer for the token before does not replace the one of a new sign-in', async () => {
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const restoring = other.auth.restore();
    await arrived;
    await one.auth.login(GRACE);
    open();
    await restoring;
    expect(stored).toBe('s2.0');
  });

  it('a late answer does not bring back a session after a logout', async () => {
    const { opened, open } = gate();
    on.server.disturb('/auth/refresh', { after: opened });
    const arrived = on.server.arrival('/auth/refresh');
    const restoring = other.auth.restore();
    await arrived;
    await one.auth.logout();
    open();
    await restoring;
    expect(stored).toBeNull();
  });

  it('a late confirmation of a logout keeps a new sign-in', async () => {
    await other.auth.restore();
    await signInDuring('/auth/logout', { status: 204 }, () => other.auth.logout());
    expect(stored).toBe('s2.0');
  });

  it('a logout that was not confirmed keeps its token until it is (503 with Retry-After)', async () => {
    const headers = { 'retry-after': '1' };
    on.server.answer('/auth/logout', { ...refusal(503, 'TEMPORARILY_UNAVAILABLE'), headers });
    await expect(one.auth.logout()).rejects.toMatchObject({ status: 503 });
    expect(JSON.parse(stored ?? '')).toEqual({ owed: 's1.0' });
    await one.auth.logout();
    const ended = on.server.to('/auth/logout').map(({ body }) => JSON.parse(body).refreshToken);
    expect([ended, stored]).toEqual([['s1.0', 's1.0'], null]);
  });

  it('a late logout everywhere keeps a new sign-in', async () => {
    await other.auth.restore();
    await signInDuring('/auth/logout-all', { status: 204 }, () => other.auth.logoutAll());
    expect(stored).toBe('s2.0');
  });
});
