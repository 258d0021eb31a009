import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AttemptingClient, newAttempt } from '../support/attempting-client.js';
import { untilConfirmed } from '../support/confirmation.js';
import { eventually } from '../support/eventually.js';
import { ADAPTERS } from '../support/host-app.js';
import {
  type Answer,
  type Api,
  Browser,
  expectAccessRevoked,
  expectError,
  newSession,
  PASSWORD,
  refreshed,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';
import { HELD_CLOCK, Service } from '../support/service.js';
import { claimsOf } from '../support/tokens.js';

const MINUTE_MS = 60_000;
const HOUR_MS = 60 * MINUTE_MS;
const OWNER = { 'x-forwarded-for': '198.51.100.7' };
const THIEF = { 'x-forwarded-for': '203.0.113.66' };

describe.each(ADAPTERS)('refreshes with attempts, on %s', (adapter) => {
  let service: Service;
  let api: Api;
  beforeAll(async () => {
    service = await Service.start(
      {
        HTTP_ADAPTER: adapter,
        REFRESH_GRACE_PERIOD: '1m',
        REFRESH_ALLOW_RELAY: 'true',
        TRUST_PROXY: '1',
        LOG_LEVEL: 'debug',
      },
      HELD_CLOCK,
    );
    api = service.api(OWNER);
  });
  afterAll(() => service.dispose());

  const beyondGrace = () => service.advance(MINUTE_MS + 1);
  const newClient = async () => new AttemptingClient(api, await newSession(api));

  /** The client uses its access token, which is recorded. */
  async function use({ session }: AttemptingClient): Promise<void> {
    expect((await api.me(session.accessToken)).status).toBe(200);
    await untilConfirmed(service, session);
  }

  const secretOf = (answer: Answer) => claimsOf(sessionOf(answer).refreshToken).sec;

  it('a lost answer is repeated for the whole life of the session, with nothing written', async () => {
    const client = await newClient();
    const lost = await client.refresh({ isLost: true });
    await service.advance(62 * HOUR_MS);
    const again = await client.refresh({ isLost: true });
    expect(secretOf(again)).toBe(secretOf(lost));
    expect(again.json.session.generation).toBe(1);
    await client.refresh();
    await use(client);
    expect((await client.refresh()).json.session.generation).toBe(2);
  });

  it('twenty answers lost in a row are one generation', async () => {
    const client = await newClient();
    const secrets = new Set<string>();
    for (let time = 0; time < 20; time += 1) {
      secrets.add(secretOf(await client.refresh({ isLost: true })));
      await beyondGrace();
    }
    expect(secrets.size).toBe(1);
    expect((await client.refresh()).json.session.generation).toBe(1);
  });

  it('a request that waited until its client had moved on is superseded, and changes nothing', async () => {
    const client = await newClient();
    const waiting = client.copy();
    waiting.attempt = client.attempt = newAttempt();
    await client.refresh();
    await use(client);
    await beyondGrace();
    expectError(await waiting.refresh(), 409, 'REFRESH_SUPERSEDED');
    await client.refresh();
    expectError(await waiting.refresh(), 409, 'REFRESH_SUPERSEDED');
    expect((await client.refresh()).json.session.generation).toBe(3);
  });

  it('a stored token that falls back recovers with the record, four generations back', async () => {
    const client = await newClient();
    const { session: earlier } = client;
    for (let time = 0; time < 4; time += 1) await client.refresh();
    await use(client);
    const { accessToken } = client.session;
    await beyondGrace();
    client.session = earlier;
    const healed = await client.refresh();
    expect(healed.json.session.generation).toBe(5);
    await expectAccessRevoked(api, accessToken);
    await use(client);
    expect((await client.refresh()).json.session.generation).toBe(6);
  });

  it('two clients without a common record: contested within the grace period, then the newer token serves both', async () => {
    const client = await newClient();
    const other = client.copy();
    await client.refresh();
    const refused = await other.refresh();
    expectError(refused, 409, 'REFRESH_CONTESTED');
    expect(refused.cookies).toEqual([]);
    other.session = client.session;
    expect((await other.refresh()).status).toBe(200);
  });

  it('in a browser a contested refresh keeps the cookie', async () => {
    const fields = { email: uniqueEmail(), password: PASSWORD };
    const browser = new Browser(service.origin, OWNER);
    await browser.register(fields);
    const other = new Browser(service.origin, OWNER);
    for (const [name, value] of browser.jar) other.jar.set(name, value);
    expect((await browser.post('/auth/refresh', { attempt: newAttempt() })).status).toBe(200);
    const refused = await other.post('/auth/refresh', { attempt: newAttempt() });
    expectError(refused, 409, 'REFRESH_CONTESTED');
    expect(refused.cookies).toEqual([]);
    expect((await browser.post('/auth/refresh', { attempt: newAttempt() })).status).toBe(200);
  });

  it('a thief one generation ahead: their successor is revoked, and a client that presents it ends the session', async () => {
    const owner = await newClient();
    const thief = owner.copy(service.api(THIEF));
    await thief.refresh();
    const { accessToken } = thief.session;
    await beyondGrace();
    expect((await owner.refresh()).json.session.generation).toBe(2);
    await expectAccessRevoked(api, accessToken);
    await use(owner);
    expectError(await thief.refresh(), 409, 'REFRESH_CONTESTED');
    await beyondGrace();
    expectError(await thief.refresh(), 401, 'REFRESH_TOKEN_REUSED');
    expectError(await owner.refresh(), 401, 'SESSION_REVOKED');
    await expectAccessRevoked(api, owner.session.accessToken);
  });

  it('a thief one generation behind gets no token, and is reported at the first try', async () => {
    const owner = await newClient();
    for (const headers of [{ ...THIEF }, OWNER]) {
      const thief = owner.copy(service.api(headers));
      await owner.refresh();
      await use(owner);
      const before = service.output.length;
      expectError(await thief.refresh(), 409, 'REFRESH_CONTESTED');
      const bare = await service.api(headers).refresh(thief.session.refreshToken);
      expectError(bare, 409, 'REFRESH_CONTESTED');
      const reported = await eventually(
        async () => service.output.slice(before),
        (output) => output.split('refresh_token.contested').length > 2,
      );
      // Two clients with one address and one browser may be two tabs.
      expect(reported.includes('contested_token')).toBe(headers !== OWNER);
      expect((await owner.refresh()).status).toBe(200);
    }
  });

  it('without attempts, a thief one behind in another network is reported in the third generation', async () => {
    let owner = await newSession(api);
    const thief = service.api(THIEF);
    for (let generation = 1; generation <= 4; generation += 1) {
      const { refreshToken } = owner;
      owner = await refreshed(api, owner);
      expect((await api.me(owner.accessToken)).status).toBe(200);
      expect((await thief.refresh(refreshToken)).status).toBe(200);
      if (generation < 3) expect(service.output).not.toContain('one_token_two_networks');
      const list = (await api.sessions(owner.accessToken)).json;
      expect(list[0].ip).toBe(THIEF['x-forwarded-for']);
    }
    await eventually(
      async () => service.output,
      (output) => output.includes('one_token_two_networks'),
    );
  });

  it('a relay: an access token that its browser never saw proves nothing', async () => {
    for (const [fields, status] of [
      [{ relay: true }, 200],
      [{}, 401],
    ] as const) {
      const browser = await newSession(api);
      const relayed = await api.post('/auth/refresh', { refreshToken: browser.refreshToken, ...fields });
      expect((await api.me(sessionOf(relayed).accessToken)).status).toBe(200);
      if (status === 401) await untilConfirmed(service, sessionOf(relayed));
      await beyondGrace();
      expect((await api.refresh(browser.refreshToken)).status).toBe(status);
    }
  });

  it('an old client and a new one take turns', async () => {
    const client = await newClient();
    for (let round = 0; round < 3; round += 1) {
      await client.refresh();
      await use(client);
      client.session = await refreshed(api, client.session);
      await use(client);
    }
    expect((await client.refresh()).json.session.generation).toBe(7);
  });

  it.each([
    ['an object', { $gt: '' }],
    ['a list', [newAttempt()]],
    ['a number', 1],
    ['empty', ''],
    ['1 kB long', 'A'.repeat(1024)],
    ['a byte short', newAttempt().slice(1)],
    ['not base64url', `${'+'.repeat(21)}A`],
    ['with bits that no 16 bytes have', `${'A'.repeat(21)}B`],
  ])('an attempt that is %s is refused before the session is touched', async (_, attempt) => {
    const session = await newSession(api);
    const { refreshToken } = session;
    for (const fields of [{ attempt }, { attempt: newAttempt(), previous: attempt }])
      expectError(await api.post('/auth/refresh', { refreshToken, ...fields }), 400, 'VALIDATION_FAILED');
    const login = { email: session.email, password: PASSWORD, transport: 'body', attempt };
    expectError(await api.login(login), 400, 'VALIDATION_FAILED');
    expect((await refreshed(api, session)).id).toBe(session.id);
  });

  it('attempts appear in no log', async () => {
    const client = await newClient();
    const attempts: (string | null)[] = [];
    const thief = client.copy();
    await client.refresh();
    attempts.push(client.previous);
    await thief.refresh();
    attempts.push(thief.attempt);
    await beyondGrace();
    await thief.refresh();
    await eventually(
      async () => service.output,
      (output) => output.includes('refresh_token.displaced'),
    );
    for (const attempt of attempts) {
      if (attempt === null) throw new Error('an attempt was sent');
      expect(service.output).not.toContain(attempt);
    }
  });
});
