import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { extractAccessToken } from '../../src/http/access-token-header.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { expectGuardRefusal, newSession, type Session } from '../support/http.js';

const extract = (authorization: string | string[] | undefined) =>
  extractAccessToken({ headers: { authorization } });

describe(extractAccessToken.name, () => {
  it.each<[string | string[] | undefined, string | null]>([
    [undefined, null],
    ['', null],
    ['Bearer', null],
    ['Bearer ', null],
    ['Bearer     ', null],
    ['Basic dXNlcjpwYXNz', null],
    ['a.b.c', null],
    ['Bearera.b.c', null],
    [' Bearer a.b.c', null],
    [['Bearer a.b.c'], null],
    ['Bearer a.b.c', 'a.b.c'],
    ['bearer a.b.c', 'a.b.c'],
    ['BEARER   a.b.c ', 'a.b.c'],
    // Not empty, but not a token either: the guard refuses it.
    ['Bearer a.b.c d', 'a.b.c d'],
    [`Bearer ${'a'.repeat(8192)}`, 'a'.repeat(8192)],
    [`Bearer ${'a'.repeat(8193)}`, ''],
  ])('%j', (header, token) => {
    expect(extract(header)).toBe(token);
  });

  it('reads a header of any form in linear time', () => {
    // Far longer than Node allows: quadratic time would take seconds.
    const length = 200_000;
    const headers = ['x'.repeat(length), `Bearer${' '.repeat(length)}`, `Bearer ${'x'.repeat(length)}`];
    const from = performance.now();
    for (const header of headers) extract(header);
    expect(performance.now() - from).toBeLessThan(10_000);
  });
});

describe.each(ADAPTERS)('the Authorization header, on %s', (adapter) => {
  let host: HostApp;
  let session: Session;

  beforeAll(async () => {
    host = await HostApp.start(adapter);
    session = await newSession(host.api());
  });
  afterAll(() => host.stop());

  const get = (authorization: string) => host.api().send('GET', '/orders', { headers: { authorization } });

  it('the scheme is recognised in any case (RFC 9110 §11.1)', async () => {
    for (const scheme of ['Bearer', 'bearer', 'BEARER', 'Bearer  '])
      expect((await get(`${scheme} ${session.accessToken}`)).status).toBe(200);
  });

  it('several tokens or an overlong one are an invalid token', async () => {
    for (const token of [`${session.accessToken} x`, `x ${session.accessToken}`, 'x'.repeat(15_000)])
      expectGuardRefusal(await get(`Bearer ${token}`), 'ACCESS_TOKEN_INVALID');
    expectGuardRefusal(await get('x'.repeat(15_000)), 'ACCESS_TOKEN_MISSING');
  });

  it('a logout ignores an overlong token', async () => {
    const headers = { authorization: `Bearer ${'x'.repeat(15_000)}` };
    expect((await host.api().logout({ headers })).status).toBe(204);
  });
});
