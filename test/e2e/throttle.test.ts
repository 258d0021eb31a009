import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import {
  type Answer,
  type Api,
  Browser,
  expectError,
  newSession,
  PASSWORD,
  uniqueEmail,
} from '../support/http.js';
import { Service } from '../support/service.js';

const WRONG = 'not the password';
/** As a proxy that the service trusts reports it. */
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
    service = await Service.start({
      HTTP_ADAPTER: adapter,
      THROTTLE: 'on',
      TRUST_PROXY: 'true',
      TRUSTED_ORIGINS: 'https://app.example.com',
    });
    api = service.api();
  });
  afterAll(() => service.dispose());

  it('an address logs in and registers twenty times a minute, others go on', async () => {
    const statuses: number[] = [];
    for (let attempt = 0; attempt < 10; attempt += 1) {
      statuses.push(
        (await api.register({ email: uniqueEmail(), password: PASSWORD }, from('192.0.2.1'))).status,
      );
      statuses.push((await api.login({ email: uniqueEmail(), password: WRONG }, from('192.0.2.1'))).status);
    }
    expect(new Set(statuses)).toEqual(new Set([201, 401]));
    expectThrottled(await api.login({ email: uniqueEmail(), password: WRONG }, from('192.0.2.1')), 60);
    expectThrottled(await api.register({ email: uniqueEmail(), password: PASSWORD }, from('192.0.2.1')), 60);
    expect((await api.login({ email: uniqueEmail(), password: WRONG }, from('192.0.2.2'))).status).toBe(401);
  });

  it('comes after the content type and the cross-site rule, before validation', async () => {
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
    expectThrottled(await api.login({ surprise: true }, from('192.0.2.1')), 60);
  });

  it('ten wrong passwords lock an account for an address, with the right one too, and for no other address', async () => {
    const { email } = await newSession(api, { email: uniqueEmail() });
    for (let attempt = 0; attempt < 10; attempt += 1)
      expectError(
        await api.login({ email, password: WRONG }, from('192.0.2.10')),
        401,
        'INVALID_CREDENTIALS',
      );
    expectThrottled(await api.login({ email, password: PASSWORD }, from('192.0.2.10')), 900);
    expect((await api.login({ email, password: PASSWORD }, from('192.0.2.11'))).status).toBe(200);
  });

  it('many at once do not slip through', async () => {
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

  it('a flood from many addresses slows the account for strangers, and its owner still gets in from his device', async () => {
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
    // A stranger with the right password has to wait.
    expectThrottled(await api.login({ email, password: PASSWORD }, from('192.0.2.31')), 900);
    // The owner has not, wherever he is.
    expect((await owner.login({ email, password: PASSWORD }, from('192.0.2.32'))).status).toBe(200);
    expect((await owner.login({ email, password: WRONG }, from('192.0.2.32'))).status).toBe(401);
    // His cookie is his account's: it opens no other.
    const victim = await newSession(api, { email: uniqueEmail() });
    for (let attempt = 0; attempt < 10; attempt += 1)
      await owner.login({ email: victim.email, password: WRONG }, from('192.0.2.33'));
    expectThrottled(await owner.login({ email: victim.email, password: PASSWORD }, from('192.0.2.33')), 900);
  });

  it('in body transport a device is known by the deviceId of an earlier session', async () => {
    const deviceId = `phone-${uniqueEmail()}`;
    const { email } = await newSession(api, { email: uniqueEmail(), deviceId });
    for (let attempt = 0; attempt < 110; attempt += 1)
      await api.login({ email, password: WRONG }, from(address(2000 + attempt)));
    const credentials = { email, password: PASSWORD, transport: 'body' };
    expectThrottled(await api.login(credentials, from('192.0.2.40')), 900);
    expectThrottled(await api.login({ ...credentials, deviceId: 'another' }, from('192.0.2.40')), 900);
    expect((await api.login({ ...credentials, deviceId }, from('192.0.2.40'))).status).toBe(200);
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
    expectThrottled(await guess(PASSWORD), 900);
  });

  it('refreshes of an address are bounded far above what tabs and offices do', async () => {
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
    expectThrottled(throttled, 60);
    expect(throttled.cookies).toEqual([]);
  });

  it('without trust in a proxy the header is not believed', async () => {
    const direct = await Service.start({ HTTP_ADAPTER: adapter, THROTTLE: 'on' });
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
