import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Answer,
  Api,
  Browser,
  expectError,
  newSession,
  PASSWORD,
  uniqueEmail,
} from '../support/http.js';
import { Service, STILL_CLOCK } from '../support/service.js';

const WRONG = 'not the password';
/** The headers that a trusted proxy adds. */
const from = (address: string) => ({ headers: { 'x-forwarded-for': address } });
const address = (index: number) => `198.51.${100 + (index >> 8)}.${index & 255}`;

function expectThrottled(answer: Answer, withinSeconds: number): void {
  expectError(answer, 429, 'TOO_MANY_ATTEMPTS');
  const retryAfter = Number(answer.headers['retry-after']);
  expect(retryAfter).toBeGreaterThanOrEqual(1);
  expect(retryAfter).toBeLessThanOrEqual(withinSeconds);
}

describe.each(['express', 'fastify'])('throttling on %s', (adapter) => {
  let service: Service;
  let api: Api;

  beforeAll(async () => {
    const settings = {
      HTTP_ADAPTER: adapter,
      THROTTLE: 'on',
      TRUST_PROXY: 'true',
      TRUSTED_ORIGINS: 'https://app.example.com',
    };
    service = await Service.start(settings, STILL_CLOCK);
    api = service.api();
  });
  afterAll(() => service.dispose());

  it('an address may log in and register twenty times a minute, and others are not affected', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 10; attempt += 1) {
      statuses.push(
        (await api.register({ email: uniqueEmail(), password: PASSWORD }, from('192.0.2.1'))).status,
      );
      statuses.push((await api.login({ email: uniqueEmail(), password: WRONG }, from('192.0.2.1'))).status);
    }
    expect(new Set(statuses)).toEqual(new Set([201, 401]));
    expectThrottled(await api.login({ email: uniqueEmail(), password: WRONG }, from('192.0.2.1')), 70);
    expectThrottled(await api.register({ email: uniqueEmail(), password: PASSWORD }, from('192.0.2.1')), 70);
    expect((await api.login({ email: uniqueEmail(), password: WRONG }, from('192.0.2.2'))).status).toBe(401);
  });

  it('counts an address that a proxy writes with a port as that address', async () => {
    const statuses: number[] = [];
    for (let visitor = 0; visitor < 24; visitor += 1) {
      const origin = from(`203.0.113.${visitor}:${50_000 + visitor}`);
      statuses.push((await api.login({ email: uniqueEmail(), password: WRONG }, origin)).status);
    }
    expect(new Set(statuses)).toEqual(new Set([401]));
    const one = (port: number) =>
      api.login({ email: uniqueEmail(), password: WRONG }, from(`[2001:db8::7]:${port}`));
    for (let attempt = 0; attempt < 20; attempt += 1) expect((await one(50_000 + attempt)).status).toBe(401);
    expectThrottled(await one(60_000), 70);
  });

  it('warns once if a proxy sends no address, and counts for the peer', async () => {
    const { accessToken } = await newSession(new Api(service.origin, from('unknown').headers));
    await new Api(service.origin, from('_hidden').headers).sessions(accessToken);
    const [session] = (await api.sessions(accessToken)).json;
    expect(session.ip).toBe('127.0.0.1');
    expect(service.output.split('as the address of a client')).toHaveLength(2);
  });

  it('runs after the content type and the cross-site rule, before validation', async () => {
    const crossSite = { headers: { origin: 'https://evil.example', 'x-forwarded-for': '192.0.2.1' } };
    expectError(
      await api.login({ email: 'a@b.example', password: WRONG }, crossSite),
      403,
      'CROSS_SITE_REQUEST',
    );
    const form = {
      raw: 'email=a',
      headers: { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': '192.0.2.1' },
    };
    expectError(await api.send('POST', '/auth/login', form), 415, 'UNSUPPORTED_MEDIA_TYPE');
    expectThrottled(await api.login({ surprise: true }, from('192.0.2.1')), 70);
  });

  it('ten wrong passwords lock an account for an address, with the right one too, and for no other address', async () => {
    const { email } = await newSession(api, { email: uniqueEmail() });
    for (let attempt = 0; attempt < 10; attempt += 1)
      expectError(
        await api.login({ email, password: WRONG }, from('192.0.2.10')),
        401,
        'INVALID_CREDENTIALS',
      );
    expectThrottled(await api.login({ email, password: PASSWORD }, from('192.0.2.10')), 1050);
    expect((await api.login({ email, password: PASSWORD }, from('192.0.2.11'))).status).toBe(200);
  });

  it('simultaneous attempts do not exceed the limit', async () => {
    const { email } = await newSession(api, { email: uniqueEmail() });
    const answers = await Promise.all(
      Array.from({ length: 18 }, () => api.login({ email, password: WRONG }, from('192.0.2.12'))),
    );
    expect(answers.filter(({ status }) => status === 401)).toHaveLength(10);
    expect(answers.filter(({ status }) => status === 429)).toHaveLength(8);
  });

  it('a right password forgets the failures before it', async () => {
    const { email } = await newSession(api, { email: uniqueEmail() });
    for (let round = 0; round < 2; round += 1) {
      for (let attempt = 0; attempt < 8; attempt += 1)
        expect((await api.login({ email, password: WRONG }, from(`192.0.2.${20 + round}`))).status).toBe(401);
      expect((await api.login({ email, password: PASSWORD }, from(`192.0.2.${20 + round}`))).status).toBe(
        200,
      );
      expect((await api.login({ email, password: WRONG }, from(`192.0.2.${20 + round}`))).status).toBe(401);
    }
  });

  it('a flood from many addresses slows the account for unknown devices, and its owner still gets in from a known one', async () => {
    const email = uniqueEmail();
    const owner = new Browser(service.origin);
    await owner.register({ email, password: PASSWORD }, from('192.0.2.30'));
    expect(owner.jar.has('device')).toBe(true);
    const answers: Answer[] = [];
    for (let batch = 0; batch < 30; batch += 1)
      answers.push(
        ...(await Promise.all(
          Array.from({ length: 20 }, (_, index) =>
            api.login({ email, password: WRONG }, from(address(batch * 20 + index))),
          ),
        )),
      );
    const statuses = new Set(answers.map(({ status }) => status));
    expect([...statuses].filter((status) => ![401, 429, 503].includes(status))).toEqual([]);
    expect(answers.filter(({ status }) => status === 401).length).toBeLessThanOrEqual(100);
    // An unknown device with the right password has to wait.
    expectThrottled(await api.login({ email, password: PASSWORD }, from('192.0.2.31')), 1050);
    // The owner's device does not, on any network.
    expect((await owner.login({ email, password: PASSWORD }, from('192.0.2.32'))).status).toBe(200);
    expect((await owner.login({ email, password: WRONG }, from('192.0.2.32'))).status).toBe(401);
    // The cookie belongs to its account and admits to no other.
    const victim = await newSession(api, { email: uniqueEmail() });
    for (let attempt = 0; attempt < 10; attempt += 1)
      await owner.login({ email: victim.email, password: WRONG }, from('192.0.2.33'));
    expectThrottled(await owner.login({ email: victim.email, password: PASSWORD }, from('192.0.2.33')), 1050);
  });

  it('in body transport a device is known by the deviceId of an earlier session', async () => {
    const deviceId = `phone-${uniqueEmail()}`;
    const { email } = await newSession(api, { email: uniqueEmail(), deviceId });
    for (let attempt = 0; attempt < 110; attempt += 1)
      await api.login({ email, password: WRONG }, from(address(2000 + attempt)));
    const credentials = { email, password: PASSWORD, transport: 'body' };
    expectThrottled(await api.login(credentials, from('192.0.2.40')), 1050);
    expectThrottled(await api.login({ ...credentials, deviceId: 'another' }, from('192.0.2.40')), 1050);
    expect((await api.login({ ...credentials, deviceId }, from('192.0.2.40'))).status).toBe(200);
  });

  it('guesses with the deviceId of the owner lock out no address where the owner has logged in with it', async () => {
    const [deviceId, home, cafe] = ['iPhone15,2', from('192.0.2.41'), from('192.0.2.42')];
    const { email } = await newSession(service.api(home.headers), { email: uniqueEmail(), deviceId });
    const login = (password: string, origin: typeof home) =>
      api.login({ email, password, transport: 'body', deviceId }, origin);
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 12; attempt += 1)
      statuses.push((await login(WRONG, from(address(3000 + attempt)))).status);
    expect(new Set(statuses)).toEqual(new Set([401]));
    for (const origin of [home, cafe]) expect((await login(PASSWORD, origin)).status).toBe(200);
    // A guessed id exempts from no limit: its guessers share a limit of the account's size, from whatever addresses.
    for (let attempt = 0; attempt < 110; attempt += 1)
      statuses.push((await login(WRONG, from(address(4000 + attempt)))).status);
    expect(statuses.filter((status) => status === 401)).toHaveLength(100);
    expectThrottled(await login(PASSWORD, from('192.0.2.43')), 1050);
    for (const origin of [home, cafe]) expect((await login(PASSWORD, origin)).status).toBe(200);
  });

  it('an access token does not let its thief guess the password', async () => {
    const session = await newSession(api, { email: uniqueEmail() });
    const guess = (currentPassword: string) =>
      api.post(
        '/auth/change-password',
        { currentPassword, newPassword: `${PASSWORD}!` },
        { token: session.accessToken },
      );
    for (let attempt = 0; attempt < 10; attempt += 1)
      expectError(await guess(WRONG), 401, 'INVALID_CREDENTIALS');
    expectThrottled(await guess(PASSWORD), 1050);
  });

  it('refreshes of a session from one address are limited, and its owner elsewhere is not affected', async () => {
    const session = await newSession(api, { email: uniqueEmail() });
    const results: number[] = [];
    for (let batch = 0; batch < 16; batch += 1)
      results.push(
        ...(await Promise.all(
          Array.from(
            { length: 20 },
            async () => (await api.refresh(session.refreshToken, from('192.0.2.50'))).status,
          ),
        )),
      );
    expect(results.filter((status) => status === 429)).toHaveLength(20);
    const throttled = await api.refresh(session.refreshToken, from('192.0.2.50'));
    expectThrottled(throttled, 70);
    expect(throttled.cookies).toEqual([]);
    expect((await api.refresh(session.refreshToken, from('192.0.2.51'))).status).toBe(200);
  });

  it('forged refresh tokens of an address are limited, and honest clients behind it can still refresh', async () => {
    const session = await newSession(api, { email: uniqueEmail() });
    const forged = `${session.refreshToken.slice(0, -6)}AAAAAA`;
    const statuses: number[] = [];
    for (let batch = 0; batch < 16; batch += 1)
      statuses.push(
        ...(await Promise.all(
          Array.from({ length: 20 }, async () => (await api.refresh(forged, from('192.0.2.60'))).status),
        )),
      );
    expect(statuses.filter((status) => status === 401)).toHaveLength(300);
    expect(statuses.filter((status) => status === 429)).toHaveLength(20);
    expect((await api.refresh(session.refreshToken, from('192.0.2.60'))).status).toBe(200);
    // Visitors without a session ask as well.
    expectError(await api.send('POST', '/auth/refresh', from('192.0.2.60')), 401, 'REFRESH_TOKEN_MISSING');
  });

  it('hundreds of clients behind one address refresh without a limit', async () => {
    const sessions = [];
    for (let index = 0; index < 4; index += 1)
      sessions.push(await newSession(service.api(from(`192.0.2.${70 + index}`).headers)));
    for (let batch = 0; batch < 20; batch += 1) {
      const answers = await Promise.all(
        sessions.flatMap(({ refreshToken }) =>
          Array.from({ length: 5 }, () => api.refresh(refreshToken, from('192.0.2.74'))),
        ),
      );
      expect(answers.map(({ status }) => status)).toEqual(answers.map(() => 200));
    }
  });

  it('device cookies of their own accounts raise the limit of an address to five times as much', async () => {
    const email = uniqueEmail();
    const devices = Array.from({ length: 6 }, () => new Browser(service.origin));
    const credentials = { email, password: PASSWORD };
    await devices[0]?.register(credentials, from('192.0.2.80'));
    for (const device of devices.slice(1)) await device.login(credentials, from('192.0.2.80'));
    const statuses: number[] = [];
    for (const device of devices)
      for (let attempt = 0; attempt < 20; attempt += 1)
        statuses.push((await device.login(credentials, from('192.0.2.81'))).status);
    expect(statuses.filter((status) => status === 200)).toHaveLength(100);
    expect(statuses.slice(100)).toEqual(Array.from({ length: 20 }, () => 429));
    expect((await devices[5]?.login(credentials, from('192.0.2.82')))?.status).toBe(200);
    // Unknown devices have their own limit there.
    expect((await api.login({ email: uniqueEmail(), password: WRONG }, from('192.0.2.81'))).status).toBe(401);
  });

  it('without trust in a proxy the header is ignored', async () => {
    const direct = await Service.start({ HTTP_ADAPTER: adapter, THROTTLE: 'on' }, STILL_CLOCK);
    try {
      const statuses: number[] = [];
      for (let attempt = 0; attempt < 21; attempt += 1)
        statuses.push(
          (await direct.api().login({ email: uniqueEmail(), password: WRONG }, from(address(attempt))))
            .status,
        );
      expect(statuses.slice(0, 20).every((status) => status === 401)).toBe(true);
      expect(statuses[20]).toBe(429);
    } finally {
      await direct.dispose();
    }
  });
});
