import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { Registry } from 'prom-client';
import { databaseUri } from '../../../test/support/database.js';
import { DatabaseProxy } from '../../../test/support/database-proxy.js';
import { DocumentedApi } from '../../../test/support/documented-api.js';
import { eventually } from '../../../test/support/eventually.js';
import { Exposition } from '../../../test/support/exposition.js';
import {
  anotherSession,
  type Api,
  expectError,
  expectGuardRefusal,
  expectNotStored,
  newSession,
  PASSWORD,
  refreshed,
  uniqueEmail,
} from '../../../test/support/http.js';
import { ACCESS_SECRET, REFRESH_SECRET, Service } from '../../../test/support/service.js';
import { MailCatcher } from '../../../test/support/smtp-server.js';
import { createApp } from '../src/app/create-app.js';
import { readConfig } from '../src/config/config.js';

const EVENTS = 'silent_auth_events_total';
const DURATIONS = 'silent_auth_http_request_duration_seconds';
const TOKEN = 'a-token-of-the-scraper';

/** Scrapes again until the condition holds. */
async function until(api: Api, isSo: (scrape: Exposition) => boolean): Promise<Exposition> {
  const scrape = await eventually(() => Exposition.of(api), isSo);
  expect(isSo(scrape)).toBe(true);
  return scrape;
}

/** The number of times each event was counted during an action, with its reason. */
async function counted(api: Api, happening: () => Promise<unknown>): Promise<Record<string, number>> {
  const before = await Exposition.of(api);
  await happening();
  const after = await Exposition.of(api);
  const rises = after.samples(EVENTS).map(({ labels, value }): [string, number] => {
    const name = [labels['event'], labels['reason']].filter((part) => part !== '').join(' ');
    return [name, value - before.value(EVENTS, labels)];
  });
  return Object.fromEntries(rises.filter(([, rise]) => rise !== 0));
}

describe.each(['express', 'fastify'])('/metrics on %s', (adapter) => {
  let service: Service;
  let api: Api;

  beforeAll(async () => {
    service = await Service.start({ HTTP_ADAPTER: adapter });
    api = service.api();
  });
  afterAll(() => service.dispose());

  it('is a scrape that Prometheus can parse, never cached, for GET and HEAD', async () => {
    const answer = await api.send('GET', '/metrics');
    expect(answer.status).toBe(200);
    expect(answer.headers['content-type']).toBe('text/plain; version=0.0.4; charset=utf-8');
    expectNotStored(answer);
    const names = [...new Exposition(answer.text).families.keys()];
    expect(names).toEqual(
      expect.arrayContaining(['process_cpu_seconds_total', 'nodejs_gc_duration_seconds']),
    );
    const head = await api.send('HEAD', '/metrics');
    expect([head.status, head.text, head.headers['content-type']]).toEqual([
      200,
      '',
      answer.headers['content-type'],
    ]);
    expectError(await api.send('POST', '/metrics'), 404, 'NOT_FOUND');
  });

  it('says what runs', async () => {
    const [info] = (await Exposition.of(api)).samples('silent_auth_info');
    expect(info).toMatchObject({
      value: 1,
      labels: { http_adapter: adapter, revocation_store: 'mongodb', version: expect.stringMatching(/^\d/) },
    });
  });

  it('counts each event exactly once', async () => {
    const email = uniqueEmail();
    const credentials = { email, password: PASSWORD, transport: 'body' };
    expect(await counted(api, () => api.register(credentials))).toEqual({ 'user.registered': 1 });
    expect(await counted(api, () => api.login(credentials))).toEqual({ 'user.logged_in': 1 });
    expect(await counted(api, () => api.login({ email, password: 'wrong' }))).toEqual({
      'login.failed wrong_password': 1,
    });
    expect(await counted(api, () => api.login({ email: uniqueEmail(), password: 'wrong' }))).toEqual({
      'login.failed unknown_user': 1,
    });
    const first = await anotherSession(api, email);
    let second = first;
    const refresh = async () => (second = await refreshed(api, first));
    expect(await counted(api, refresh)).toEqual({ 'refresh_token.rotated': 1 });
    expect(await counted(api, () => api.refresh(first.refreshToken))).toEqual({
      'refresh_token.replayed': 1,
    });
    expect(await counted(api, () => api.logout({ token: second.accessToken }))).toEqual({
      'user.logged_out': 1,
      'session.revoked logged_out': 1,
    });
    expect(await counted(api, () => api.refresh(second.refreshToken))).toEqual({
      'refresh_token.refused session_revoked': 1,
    });
  });

  it('measures each operation by its name, its method and its status class', async () => {
    const before = await Exposition.of(api);
    const session = await newSession(api);
    await api.login({ email: session.email, password: 'wrong' });
    await refreshed(api, session);
    await api.refresh('nonsense');
    await api.post('/auth/refresh?traceId=1', { refreshToken: 'nonsense' });
    await api.send('POST', '/auth/login', { raw: '{"email":' });
    for (const id of ['a', 'b', 'c'])
      await api.send('DELETE', `/auth/sessions/${id}`, { token: session.accessToken });
    await api.send('HEAD', '/auth/me', { token: session.accessToken });
    const expected: [operation: string, method: string, status: string, times: number][] = [
      ['register', 'POST', '2xx', 1],
      ['login', 'POST', '4xx', 2],
      ['login', 'POST', '5xx', 0],
      ['refresh', 'POST', '2xx', 1],
      ['refresh', 'POST', '4xx', 2],
      ['endSession', 'DELETE', '4xx', 3],
      ['me', 'HEAD', '2xx', 1],
    ];
    const rise = (scrape: Exposition, labels: Record<string, string>) => {
      const [count] = scrape.samples(`${DURATIONS}_count`, labels);
      const [earlier] = before.samples(`${DURATIONS}_count`, labels);
      return (count?.value ?? 0) - (earlier?.value ?? 0);
    };
    // An answer is measured when it is complete, which may be shortly after it has been read.
    const last = { operation: 'me', method: 'HEAD', status: '2xx' };
    const scrape = await until(api, (each) => rise(each, last) === 1);
    const rises = expected.map(([operation, method, status]) => [
      operation,
      method,
      status,
      rise(scrape, { operation, method, status }),
    ]);
    expect(rises).toEqual(expected);
    const refreshes = { operation: 'refresh', status: '2xx' };
    expect(scrape.value(`${DURATIONS}_sum`, refreshes)).toBeGreaterThan(0.0005);
    expect(scrape.value(`${DURATIONS}_sum`, refreshes)).toBeLessThan(10);
    for (const operation of ['live', 'ready', 'metrics'])
      expect(scrape.samples(`${DURATIONS}_count`, { operation })).toEqual([]);
  });

  it('adds no labels, whatever paths, methods and names are sent', async () => {
    const attempt = async (turn: number) => {
      const call = { headers: { 'user-agent': `agent ${turn}`, 'x-forwarded-for': `192.0.2.${turn % 250}` } };
      const paths = [
        `/try/${turn}`,
        `/auth/${turn}`,
        `/auth/sessions/${turn}`,
        `/${turn}?a=${turn}`,
        `/%${turn}`,
      ];
      const path = paths[turn % paths.length] ?? '';
      await api.send(['GET', 'POST', 'DELETE', 'PROPFIND', 'PURGE'][turn % 7] ?? 'OPTIONS', path, call);
      if (turn % 50 === 0)
        await api.login({ email: `user${turn}@example.com`, password: `wrong ${turn}` }, call);
    };
    const round = async (from: number) => {
      for (let turn = from; turn < from + 1_000; turn += 20)
        await Promise.all(Array.from({ length: 20 }, (_, lane) => attempt(turn + lane)));
      return Exposition.of(api);
    };
    const names = (scrape: Exposition) => [
      ...new Set(scrape.samples(`${DURATIONS}_count`).map(({ labels }) => labels['operation'])),
    ];
    const { paths } = (await api.send('GET', '/docs-json')).json;
    const documented = Object.values<Record<string, { operationId: string }>>(paths).flatMap((path) =>
      Object.values(path).map(({ operationId }) => operationId),
    );
    const first = await round(0);
    const second = await round(1_000);
    expect(names(second).filter((name) => name !== 'other' && !documented.includes(name ?? ''))).toEqual([]);
    expect(second.value(`${DURATIONS}_count`, { operation: 'other' })).toBeGreaterThan(1_000);
    const own = (scrape: Exposition) =>
      scrape.samples(`${DURATIONS}_count`).length + scrape.samples(EVENTS).length;
    expect(own(second)).toBe(own(first));
  });

  it('contains the list of revocations and the limits of the hashing queue', async () => {
    const { value: held = 0 } =
      (await Exposition.of(api)).samples('silent_auth_revocation_list_entries')[0] ?? {};
    const { accessToken: token } = await newSession(api);
    await api.logout({ token });
    const scrape = await Exposition.of(api);
    expect(scrape.value('silent_auth_revocation_list_entries')).toBe(held + 1);
    expect(scrape.value('silent_auth_revocation_feed_in_touch')).toBe(1);
    expect(scrape.value('silent_auth_password_hashes_waiting_limit')).toBe(100);
    expect(scrape.value('silent_auth_password_hashes_running_limit')).toBeGreaterThan(0);
    await until(api, (each) => each.value('silent_auth_audit_rows_waiting') === 0);
    expect(scrape.value('silent_auth_audit_rows_written_total')).toBeGreaterThan(0);
  });

  it('appears in no log, and neither does its content', async () => {
    const before = service.output.length;
    await Exposition.of(api);
    await api.send('GET', '/auth/me');
    // The line is written when the answer is complete.
    await until(api, () => service.output.slice(before).includes('/auth/me'));
    expect(service.output.slice(before)).not.toContain('/metrics');
  });

  it('counts a reuse and the end of its session, from 0 after a restart', async () => {
    await service.restart({ REFRESH_GRACE_PERIOD: '0' });
    const first = await newSession(api);
    expect((await Exposition.of(api)).value(EVENTS)).toBe(1);
    const second = await refreshed(api, first);
    await refreshed(api, second);
    expect(await counted(api, () => api.refresh(first.refreshToken))).toEqual({
      'refresh_token.reuse_detected successor_replaced': 1,
      'session.revoked reuse_detected': 1,
    });
  });
});

describe('a full queue of password hashes', () => {
  it('is visible, and so are the refused requests', async () => {
    // Each hash takes many times as long as sending a request, so a hundred wait and the rest are refused.
    const service = await Service.start({ BCRYPT_COST: '10' });
    const leaving = new AbortController();
    try {
      const api = service.api();
      let refused = 0;
      const login = async () => {
        const credentials = { email: uniqueEmail(), password: 'wrong' };
        const answer = await api.login(credentials, { signal: leaving.signal }).catch(() => null);
        if (answer?.status === 503) refused += 1;
      };
      const logins = Array.from({ length: 220 }, login);
      const full = await until(
        api,
        (each) => refused > 0 && each.value('silent_auth_password_hashes_refused_total') === refused,
      );
      expect(full.value('silent_auth_password_hashes_waiting')).toBeGreaterThan(0);
      expect(full.value('silent_auth_password_hashes_running')).toBe(
        full.value('silent_auth_password_hashes_running_limit'),
      );
      const failures = { operation: 'login', status: '5xx' };
      await until(api, (each) => each.value(`${DURATIONS}_count`, failures) === refused);
      // The hundred clients leave.
      leaving.abort();
      await Promise.all(logins);
      await service.kill();
    } finally {
      await service.dispose();
    }
  });
});

describe('while the database is away', () => {
  it('answers without delay, and shows what waits for the database and what fails', async () => {
    const proxy = await DatabaseProxy.open('metrics');
    const service = await Service.start({ MONGODB_URI: proxy.uri });
    try {
      const api = service.api();
      let session = await newSession(api);
      await until(api, (each) => each.value('silent_auth_audit_rows_waiting') === 0);

      session = await refreshed(api, session);
      proxy.freeze();
      // If a scrape asked the database, it would get no answer.
      const frozen = await Exposition.of(api);
      expect(frozen.value('silent_auth_audit_rows_waiting')).toBe(1);
      const stale = await until(
        api,
        (each) => each.value('silent_auth_revocation_feed_staleness_seconds') > 3,
      );
      expect(stale.value('silent_auth_revocation_feed_in_touch')).toBe(1);
      await Exposition.of(api);
      proxy.thaw();
      await until(
        api,
        (each) =>
          each.value('silent_auth_audit_rows_waiting') === 0 &&
          each.value('silent_auth_revocation_feed_staleness_seconds') < 2,
      );

      await refreshed(api, session);
      proxy.cut();
      const failing = await until(api, (each) => each.value('silent_auth_audit_write_failures_total') > 1);
      expect(failing.value('silent_auth_audit_rows_waiting')).toBe(1);
      await until(api, (each) => each.value('silent_auth_database_connected') === 0);
      expect(service.output).toContain('the audit log waits for the database');
      // A request that asks the database waits for a server; a scrape that is sent after it has its answer first.
      const answers: string[] = [];
      await Promise.all([
        api
          .login({ email: uniqueEmail(), password: PASSWORD })
          .then(({ status }) => answers.push(`login ${status}`)),
        Exposition.of(api).then(() => answers.push('scrape')),
      ]);
      expect(answers).toEqual(['scrape', 'login 503']);

      proxy.restore();
      const back = await until(
        api,
        (each) =>
          each.value('silent_auth_audit_rows_waiting') === 0 &&
          each.value('silent_auth_database_connected') === 1,
      );
      // A registration and two rotations; no row was lost.
      expect(back.value('silent_auth_audit_rows_written_total')).toBe(3);
      expect(back.value('silent_auth_audit_rows_dropped_total')).toBe(0);
    } finally {
      proxy.restore();
      await service.dispose();
      await proxy.close();
    }
  });
});

describe.each(['express', 'fastify'])('in production on %s', (HTTP_ADAPTER) => {
  const production = { NODE_ENV: 'production', HTTP_ADAPTER };
  let service: Service;
  beforeAll(async () => {
    service = await Service.start(production);
  });
  afterAll(() => service.dispose());

  it('has no /metrics without METRICS_TOKEN, and its answer does not reveal that it could exist', async () => {
    const api = service.api();
    const answer = await api.send('GET', '/metrics', { headers: { authorization: `Bearer ${TOKEN}` } });
    expectError(answer, 404, 'NOT_FOUND');
    expect(answer.text).toBe((await api.send('GET', '/nothing')).text);
    expect((await api.send('HEAD', '/metrics')).status).toBe(404);
    expect((await api.send('GET', '/docs-json')).text).not.toContain('metrics');
  });

  it('with METRICS_TOKEN admits only requests with the token, in the header only', async () => {
    await service.restart({ METRICS_TOKEN: TOKEN });
    const api = service.api();
    const documented = new DocumentedApi((await api.send('GET', '/docs-json')).json);
    const get = async (authorization?: string, path = '/metrics') => {
      const answer = await api.send(
        'GET',
        path,
        authorization === undefined ? {} : { headers: { authorization } },
      );
      expect(documented.problems('metrics', answer)).toEqual([]);
      return answer;
    };
    for (const nothing of [undefined, '', 'Bearer', 'Bearer ', TOKEN, `Basic ${TOKEN}`, `Bearer ${TOKEN} x`])
      expectGuardRefusal(await get(nothing), 'ACCESS_TOKEN_MISSING');
    expectGuardRefusal(await get(undefined, `/metrics?access_token=${TOKEN}`), 'ACCESS_TOKEN_MISSING');
    for (const wrong of ['x', `${TOKEN}x`, TOKEN.slice(1), TOKEN.toUpperCase(), 'é'.repeat(16)])
      expectGuardRefusal(await get(`Bearer ${wrong}`), 'ACCESS_TOKEN_INVALID');
    const { accessToken } = await newSession(api);
    expectGuardRefusal(await get(`Bearer ${accessToken}`), 'ACCESS_TOKEN_INVALID');
    for (const scheme of ['Bearer', 'bearer'])
      expect(new Exposition((await get(`${scheme} ${TOKEN}`)).text).value('silent_auth_info')).toBe(1);
    expect((await api.send('HEAD', '/metrics', { token: TOKEN })).status).toBe(200);
    expect(service.output).not.toContain(TOKEN);
    expect(
      documented.promised.filter((each) => each.startsWith('metrics ') && !documented.seen.has(each)),
    ).toEqual([]);
  });
});

describe('a part that is turned off', () => {
  it('has no metrics', async () => {
    const service = await Service.start({
      AUDIT: 'off',
      REVOCATION_MODE: 'off',
      DATABASE: 'uri',
      NODE_ENV: 'test',
    });
    try {
      const names = [...(await Exposition.of(service.api())).families.keys()];
      expect(names).toContain('silent_auth_events_total');
      expect(names.filter((name) => /audit|revocation_|mail_/.test(name))).toEqual([]);
    } finally {
      await service.dispose();
    }
  });
});

describe('mail', () => {
  it('counts sent and abandoned messages', async () => {
    const mail = await MailCatcher.start({ refusals: [550] });
    const service = await Service.start({ SMTP_URL: mail.url, MAIL_FROM: 'no-reply@example.com' });
    try {
      const api = service.api();
      const { email } = await newSession(api);
      const total = (name: string) => `silent_auth_mail_messages_${name}`;
      await api.post('/auth/forgot-password', { email });
      await until(api, (scrape) => scrape.value(total('failed_total')) === 1);
      await api.post('/auth/forgot-password', { email });
      const scrape = await until(api, (each) => each.value(total('sent_total')) === 1);
      for (const name of ['waiting', 'retried_total', 'dropped_total', 'limited_total'])
        expect([name, scrape.value(total(name))]).toEqual([name, 0]);
      expect(mail.sentTo(email)).toHaveLength(1);
    } finally {
      await service.dispose();
      await mail.close();
    }
  });
});

describe('two applications in one process', () => {
  it('share no metric', async () => {
    const config = readConfig({
      NODE_ENV: 'test',
      LOG_LEVEL: 'silent',
      MONGODB_URI: databaseUri('two'),
      JWT_ACCESS_KEYS: ACCESS_SECRET,
      JWT_REFRESH_KEYS: REFRESH_SECRET,
    });
    const apps = await Promise.all([1, 2].map(() => createApp(config, config.database.uri ?? '')));
    try {
      await Promise.all(apps.map((app) => app.init()));
      const registries = apps.map((app) => app.get(Registry, { strict: false }));
      expect(registries[0]).not.toBe(registries[1]);
      for (const registry of registries)
        expect(new Exposition(await registry.metrics()).value('silent_auth_info')).toBe(1);
    } finally {
      for (const app of apps) await app.close();
    }
  });
});
