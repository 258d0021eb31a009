import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import {
  type Answer,
  Browser,
  COOKIE,
  expectInvalidField,
  newSession,
  PASSWORD,
  uniqueEmail,
} from '../support/http.js';

const HOUR = 3600;
const lifeOf = (answer: Answer): number =>
  Math.round((Date.parse(answer.json.session.expiresAt) - Date.now()) / 1000 / 60) * 60;
const maxAges = (answer: Answer) =>
  Object.fromEntries(answer.cookies.map(({ name, attributes }) => [name, attributes['max-age']]));

describe.each(ADAPTERS)('rememberMe, on %s', (adapter) => {
  let host: HostApp;
  beforeAll(async () => {
    host = await HostApp.start(adapter, { refreshToken: { shortIdleTtl: '2h' } });
  });
  afterAll(() => host.stop());

  const registration = (fields = {}) => ({ email: uniqueEmail(), password: PASSWORD, ...fields });

  it('false: cookies that end with the browser and a shorter lifetime, kept over rotations', async () => {
    const browser = new Browser(host.origin);
    const first = await browser.register(registration({ rememberMe: false }));
    expect(maxAges(first)).toEqual({ [COOKIE]: undefined, [`${COOKIE}_hint`]: undefined, device: undefined });
    expect(lifeOf(first)).toBe(2 * HOUR);
    for (let rotations = 0; rotations < 3; rotations += 1) {
      const next = await browser.post('/auth/refresh');
      expect(maxAges(next)).toEqual({ [COOKIE]: undefined, [`${COOKIE}_hint`]: undefined });
      expect([next.json.session.generation, lifeOf(next)]).toEqual([rotations + 1, 2 * HOUR]);
    }
    const passwords = { currentPassword: PASSWORD, newPassword: 'eight-Otters-cross-the-river' };
    const token = (await browser.post('/auth/refresh')).json.accessToken;
    const changed = await browser.post('/auth/change-password', passwords, { token });
    expect([maxAges(changed)[COOKIE], lifeOf(changed)]).toEqual([undefined, 2 * HOUR]);
  });

  it.each([undefined, true, null])('%j: the usual cookies and lifetime', async (rememberMe) => {
    const browser = new Browser(host.origin);
    const first = await browser.register(registration({ rememberMe }));
    expect(Number(maxAges(first)[COOKIE])).toBeGreaterThan(6 * 24 * HOUR);
    expect(lifeOf(first)).toBe(7 * 24 * HOUR);
    const next = await browser.post('/auth/refresh');
    expect([maxAges(next)[COOKIE] === undefined, lifeOf(next)]).toEqual([false, 7 * 24 * HOUR]);
  });

  it('a known device stays known', async () => {
    const browser = new Browser(host.origin);
    const fields = registration();
    await browser.register(fields);
    const again = await browser.login({ ...fields, rememberMe: false });
    expect(maxAges(again)).toMatchObject({ [COOKIE]: undefined, device: expect.any(String) });
  });

  it('in body transport only the lifetime is shorter, also for a recovered session', async () => {
    const session = await newSession(host.api(), { rememberMe: false });
    const answer = await host.api().refresh(session.refreshToken);
    expect(lifeOf(answer)).toBe(2 * HOUR);
    expect(answer.json.refreshExpiresIn).toBeLessThanOrEqual(2 * HOUR);
    // The answer was lost long ago.
    const sessions = host.connection.collection('refresh_tokens');
    const long = new Date(Date.now() - 60_000);
    await sessions.updateOne(
      { userId: session.userId },
      { $set: { rotatedAt: long, 'predecessors.0.rotatedAt': long } },
    );
    const recovered = await host.api().refresh(session.refreshToken);
    expect([recovered.json.session.generation, lifeOf(recovered)]).toEqual([2, 2 * HOUR]);
  });

  it('refuses any other value as an invalid field', async () => {
    for (const rememberMe of ['false', 0, {}, []])
      expectInvalidField(await host.api().register(registration({ rememberMe })), 'rememberMe');
  });
});
