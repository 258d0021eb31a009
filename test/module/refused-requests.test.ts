import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { AuditService } from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { newSession, PASSWORD, uniqueEmail } from '../support/http.js';
import { KeyClient } from '../support/proofs.js';

const WRONG = 'seven-Otters-cross-the-road';
const REFUSED = 5000;
const BATCH = 50;
/**
 * The limit of the address, minus the registrations of these tests: one for those without a key, two for those with
 * one.
 */
const ADMITTED = 17;

describe.each(ADAPTERS)('endless refused requests, on %s', (adapter) => {
  let host: HostApp;
  let token: string;
  let refreshToken: string;
  let boundToken: string;

  beforeAll(async () => {
    // The default limit, in a window and a grace period that a busy machine does not outlast.
    host = await HostApp.start(adapter, {
      throttle: { login: { limit: 20, window: '1h' } },
      refreshToken: { gracePeriod: '10m' },
    });
    ({ accessToken: token, refreshToken } = await newSession(host.api()));
    const owner = await KeyClient.create(host.api());
    const login = { email: uniqueEmail(), password: PASSWORD, transport: 'body' };
    boundToken = (await owner.post('/auth/register', login)).json.refreshToken;
  });
  afterAll(() => host.stop());

  async function sendMany(count: number, send: () => Promise<{ readonly status: number }>) {
    const statuses = new Map<number, number>();
    for (let sent = 0; sent < count; sent += BATCH)
      for (const { status } of await Promise.all(Array.from({ length: BATCH }, send)))
        statuses.set(status, (statuses.get(status) ?? 0) + 1);
    await host.app.get(AuditService).flush();
    return Object.fromEntries(statuses);
  }

  const rowsOf = async (type: string) =>
    host.connection.collection('security_events').find({ type }).toArray();
  const countOf = async (type: string) => {
    const days = await host.connection.collection('security_daily').find({ type }).toArray();
    return days.reduce((sum, day) => sum + (day['count'] as number), 0);
  };

  it('are all counted, and leave only a few rows: logins', async () => {
    const statuses = await sendMany(REFUSED, () =>
      host.api().login({ email: uniqueEmail(), password: WRONG }),
    );
    expect(statuses).toEqual({ 401: ADMITTED, 429: REFUSED - ADMITTED });
    expect(await countOf('login.locked')).toBe(REFUSED - ADMITTED);
    expect(await rowsOf('login.locked')).toHaveLength(1);
    expect((await rowsOf('login.failed')).length).toBeLessThanOrEqual(20);
  }, 300_000);

  it('are all counted, and leave only a few rows: routes of administrators', async () => {
    const statuses = await sendMany(1000, () => host.api().send('GET', '/auth/admin/events', { token }));
    expect(statuses).toEqual({ 403: 1000 });
    expect(await countOf('access.denied')).toBe(1000);
    expect(await rowsOf('access.denied')).toHaveLength(1);
  });

  it('are all counted, and leave only a few rows: a copied token of a bound session', async () => {
    const statuses = await sendMany(250, () => host.api().refresh(boundToken));
    expect(statuses).toEqual({ 401: 250 });
    expect(await countOf('refresh_token.proof_failed')).toBe(250);
    expect(await rowsOf('refresh_token.proof_failed')).toHaveLength(20);
  });

  it('are all counted, and leave only a few rows: contested attempts', async () => {
    const refresh = () => {
      const attempt = randomBytes(16).toString('base64url');
      return host.api().post('/auth/refresh', { refreshToken, attempt });
    };
    expect((await refresh()).status).toBe(200);
    const statuses = await sendMany(100, refresh);
    expect(statuses).toEqual({ 409: 100 });
    expect(await countOf('refresh_token.contested')).toBe(100);
    expect(await rowsOf('refresh_token.contested')).toHaveLength(20);
  });
});
