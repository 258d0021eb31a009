import { connect } from 'node:net';
import { setTimeout as delay } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { databaseUri } from '../../../test/support/database.js';
import { eventually } from '../../../test/support/eventually.js';
import { type Api, PASSWORD, uniqueEmail } from '../../../test/support/http.js';
import { Service } from '../../../test/support/service.js';

const CONTROL = '\u009b31mEVIL\u009b0m\u0085fake log line';
const UUID = /^[\da-f]{8}-(?:[\da-f]{4}-){3}[\da-f]{12}$/;

describe.each(['express', 'fastify'])('the log on %s', (HTTP_ADAPTER) => {
  let service: Service;
  let api: Api;

  beforeAll(async () => {
    service = await Service.start({
      HTTP_ADAPTER,
      NODE_ENV: 'production',
      MONGODB_URI: databaseUri('log'),
      LOG_LEVEL: 'verbose',
      THROTTLE: 'on',
      DOCS: 'off',
    });
    api = service.api();
  });
  afterAll(() => service.dispose());

  it('contains no control character of a request', async () => {
    const headers = { origin: `https://${CONTROL}`, 'user-agent': CONTROL, 'x-request-id': CONTROL };
    const fields = {
      email: `${CONTROL}@example.com`,
      password: PASSWORD,
      deviceName: CONTROL,
      appId: CONTROL,
    };
    await api.login(fields, { headers });
    await api.register({ ...fields, email: uniqueEmail(), name: CONTROL });
    await api.send('GET', `/auth/%C2%9B31mEVIL/${encodeURIComponent(CONTROL)}`);
    const output = await eventually(
      async () => service.output,
      (text) => text.includes('user.logged_in') || text.includes('user.registered'),
    );
    expect(output).toContain('EVIL');
    expect(output.replaceAll('\n', '')).not.toMatch(/\p{Cc}|[\u202a-\u202e\u2066-\u2069]/u);
    expect(output).not.toMatch(/\\u00(?:1b|8[0-9a-f]|9[0-9a-f])/i);
  });

  it('accepts the id of a request only from a trusted proxy', async () => {
    const forged = { headers: { 'x-request-id': 'forged-id' } };
    const ids = [await api.send('GET', '/auth/me', forged), await api.send('GET', '/auth/me', forged)].map(
      (answer) => answer.headers['x-request-id'],
    );
    for (const id of ids) expect(id).toMatch(UUID);
    expect(new Set(ids).size).toBe(2);
    expect(service.output).not.toContain('forged-id');
  });

  it('has one line for a flood from one address', async () => {
    const before = service.output.length;
    for (let times = 0; times < 60; times += 1) await api.login({ email: uniqueEmail(), password: 'wrong' });
    await api.send('GET', '/auth/me');
    const lines = (
      await eventually(
        async () => service.output.slice(before),
        (text) => text.includes('GET /auth/me'),
      )
    )
      .split('\n')
      .filter((line) => line.includes('"level":40') && /login\.locked|login 429/.test(line));
    expect(lines).toHaveLength(1);
  });

  it('has one warning for a client that leaves while it sends its body, and no error', async () => {
    const before = service.output.length;
    const socket = connect(service.port, '127.0.0.1');
    const head = 'POST /auth/login HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n';
    socket.write(`${head}Content-Length: 500\r\n\r\n{"email":`);
    await delay(200);
    socket.destroy();
    const output = await eventually(
      async () => service.output.slice(before),
      (text) => text.includes('POST /auth/login'),
    );
    await api.send('GET', '/auth/me');
    const lines = output.split('\n').filter((line) => line.includes('POST /auth/login'));
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(/"level":40.*"msg":"POST \/auth\/login (?:400|aborted)"/);
    expect(service.output.slice(before)).not.toMatch(/"level":[56]0/);
  });

  it('has no documents with DOCS=off', async () => {
    for (const path of ['/docs', '/docs-json', '/docs/'])
      expect((await api.send('GET', path)).status).toBe(404);
  });
});

describe('behind a trusted proxy', () => {
  it('keeps the id of its request, if it looks like one', async () => {
    const service = await Service.start({ TRUST_PROXY: 'loopback' });
    try {
      const idOf = async (id: string) =>
        (await service.api().send('GET', '/auth/me', { headers: { 'x-request-id': id } })).headers[
          'x-request-id'
        ];
      expect(await idOf('proxy-1234')).toBe('proxy-1234');
      for (const odd of ['a b', 'x'.repeat(65), 'a"b', CONTROL]) expect(await idOf(odd)).toMatch(UUID);
    } finally {
      await service.dispose();
    }
  });
});
