import { randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it, test } from '@jest/globals';
import { ObjectId } from 'mongodb';
import { AuthEventBus, type AuthEvents, IntrospectionService } from '../../src/index.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import {
  type Answer,
  type Api,
  type Call,
  expectError,
  expectGuardRefusal,
  expectNothingLeaks,
  expectNotStored,
  newSession,
  PASSWORD,
  refreshed,
  type Session,
  USER_AGENT,
} from '../support/http.js';
import { claimsOf, encode } from '../support/tokens.js';

const secret = () => randomBytes(32).toString('base64url');
const GATEWAY = { id: 'gateway', secret: secret() };
/** Needs the encoding of RFC 6749 §2.3.1 in a header. */
const ODD = { id: 'a+b%/=&c', secret: `${secret()}:%2B+/&=` };

const SOURCE = { ip: '127.0.0.1', userAgent: USER_AGENT };
const FORM = 'application/x-www-form-urlencoded';
const text = (fields: Record<string, string>) => new URLSearchParams(fields).toString();
const formEncoded = (value: string) => new URLSearchParams({ v: value }).toString().slice(2);
const basic = ({ id, secret }: { id: string; secret: string }) =>
  `Basic ${Buffer.from(`${formEncoded(id)}:${formEncoded(secret)}`).toString('base64')}`;

describe.each(ADAPTERS)('the OAuth endpoints on %s', (adapter) => {
  let host: HostApp;
  let api: Api;
  const heard: [string, object][] = [];

  beforeAll(async () => {
    host = await HostApp.start(adapter, { introspectionClients: [GATEWAY, ODD], globalGuard: true });
    api = host.api();
    const events = host.app.get(AuthEventBus);
    for (const name of ['access_token.revoked', 'session.revoked', 'refresh_token.reuse_detected'] as const)
      events.on(name, (payload) => heard.push([name, payload]));
  });

  afterAll(() => host?.stop());

  const ask = (path: string, fields: Record<string, string>, headers: Record<string, string> = {}) =>
    api.send('POST', `/auth/${path}`, {
      raw: text(fields),
      headers: { authorization: basic(GATEWAY), 'content-type': FORM, ...headers },
    });
  const introspect = async (token: string, hint?: string): Promise<Record<string, unknown>> => {
    const answer = await ask('introspect', { token, ...(hint ? { token_type_hint: hint } : {}) });
    expect(answer.status).toBe(200);
    expectNotStored(answer);
    return answer.json;
  };
  const revoke = async (token: string): Promise<void> => {
    const answer = await ask('revoke', { token });
    expect({ status: answer.status, body: answer.text }).toEqual({ status: 200, body: '' });
    expectNotStored(answer);
  };
  const expectOAuthError = (answer: Answer, status: number, error: string) => {
    expect({ status: answer.status, json: answer.json }).toEqual({
      status,
      json: { error, error_description: expect.stringMatching(/\S/) },
    });
    expectNotStored(answer);
    expectNothingLeaks(answer);
    if (status === 401) expect(answer.headers['www-authenticate']).toMatch(/^Basic realm="[^"]+"/);
    else expect(answer.headers['www-authenticate']).toBeUndefined();
  };
  const sessions = () => host.connection.collection('refresh_tokens');
  const stored = ({ id }: Session) => sessions().findOne({ _id: new ObjectId(id) });

  describe('a client', () => {
    it.each([GATEWAY, ODD])('proves who it is by HTTP Basic or by form fields: %j', async (client) => {
      const { id: client_id, secret: client_secret } = client;
      const inHeader = await ask('introspect', { token: 'x' }, { authorization: basic(client) });
      expect(inHeader.json).toEqual({ active: false });
      const raw = text({ token: 'x', client_id, client_secret });
      const inForm = await api.send('POST', '/auth/introspect', { raw, headers: { 'content-type': FORM } });
      expect(inForm.json).toEqual({ active: false });
      const both = await ask('introspect', { token: 'x', client_id }, { authorization: basic(client) });
      expect(both.status).toBe(200);
    });

    it.each<[string, string | undefined]>([
      ['none', undefined],
      ['a wrong secret', basic({ ...GATEWAY, secret: secret() })],
      ['an unknown id', basic({ ...GATEWAY, id: 'nobody' })],
      ['the secret of another', basic({ ...GATEWAY, secret: ODD.secret })],
      ['an empty secret', basic({ ...GATEWAY, secret: '' })],
      ['__proto__', basic({ id: '__proto__', secret: '' })],
      ['another case', basic({ ...GATEWAY, id: 'Gateway' })],
      ['no colon', `Basic ${Buffer.from('gateway').toString('base64')}`],
      ['a broken encoding', `Basic ${Buffer.from('gateway:%E0%A4%A').toString('base64')}`],
      ['no base64', 'Basic !!!'],
      ['the scheme alone', 'Basic'],
      ['an access token', 'Bearer x'],
    ])('is refused with %s', async (_, authorization) => {
      for (const path of ['introspect', 'revoke']) {
        const headers = { 'content-type': FORM, ...(authorization ? { authorization } : {}) };
        const answer = await api.send('POST', `/auth/${path}`, { raw: 'token=x', headers });
        expectOAuthError(answer, 401, 'invalid_client');
      }
    });

    it('is answered with what is wrong with its request', async () => {
      for (const path of ['introspect', 'revoke']) {
        for (const raw of ['', 'token=', 'tokens=x', 'token=x&token=y', 'token=x&a=1&a=2', 'token[]=x']) {
          const headers = { authorization: basic(GATEWAY), 'content-type': FORM };
          expectOAuthError(await api.send('POST', `/auth/${path}`, { raw, headers }), 400, 'invalid_request');
        }
        const twice = { token: 'x', client_id: GATEWAY.id, client_secret: GATEWAY.secret };
        expectOAuthError(await ask(path, twice), 400, 'invalid_request');
        expectOAuthError(await ask(path, { token: 'x', client_id: 'other' }), 400, 'invalid_request');
        const json = { authorization: basic(GATEWAY), 'content-type': 'application/json' };
        const asJson = await api.send('POST', `/auth/${path}`, { raw: '{"token":"x"}', headers: json });
        expectOAuthError(asJson, 415, 'invalid_request');
        for (const headers of [
          { 'content-type': `${FORM}; charset=utf-16` },
          { 'content-type': 'multipart/form-data; boundary=x' },
          { 'content-encoding': 'gzip' },
        ])
          expectOAuthErrorOrHosts(await ask(path, { token: 'x' }, headers as never));
        expectOAuthErrorOrHosts(await ask(path, { token: 'x'.repeat(17_000) }));
      }
      expect(
        (await ask('introspect', { token: 'x' }, { 'content-type': `${FORM};charset="UTF-8"` })).status,
      ).toBe(200);
    });

    /** Express parses bodies before any route is known; a host's own parser may refuse first, with its own message. */
    function expectOAuthErrorOrHosts(answer: Answer) {
      expect(adapter === 'fastify' ? [413, 415] : [400, 413, 415]).toContain(answer.status);
      expectNothingLeaks(answer);
      if (adapter === 'fastify') expectOAuthError(answer, answer.status, 'invalid_request');
    }

    it('may send its form in chunks', async () => {
      const headers = { 'transfer-encoding': 'chunked' };
      expect((await ask('introspect', { token: 'x' }, headers)).json).toEqual({ active: false });
    });
  });

  describe('introspection', () => {
    it('describes an access token as RFC 7662 defines', async () => {
      const { accessToken, userId, id } = await newSession(api);
      const { iss, aud, client_id, iat, exp, jti } = claimsOf(accessToken);
      expect(await introspect(accessToken)).toEqual({
        ...{ active: true, token_type: 'Bearer', iss, aud, client_id, iat, exp, jti },
        ...{ sub: userId, sid: id, roles: ['user'] },
      });
      for (const hint of ['access_token', 'refresh_token', 'nonsense'])
        expect(await introspect(accessToken, hint)).toMatchObject({ active: true, jti });
    });

    it('describes only the current refresh token, and only if the hint asks for one', async () => {
      const first = await newSession(api);
      const { exp, iat, aud, jti } = claimsOf(first.refreshToken);
      expect(await introspect(first.refreshToken, 'refresh_token')).toEqual({
        ...{ active: true, iss: 'https://issuer.example.com', aud, iat, exp, jti },
        ...{ sub: first.userId, sid: first.id },
      });
      // A service that checks only `active` would take it for an access token.
      expect(await introspect(first.refreshToken)).toEqual({ active: false });
      expect(await introspect(first.refreshToken, 'access_token')).toEqual({ active: false });
      const second = await refreshed(api, first);
      expect(await introspect(first.refreshToken, 'refresh_token')).toEqual({ active: false });
      expect(await introspect(second.refreshToken, 'refresh_token')).toMatchObject({ active: true });
    });

    it('rotates nothing, counts as no reuse and confirms nothing of a refresh token, whichever is presented', async () => {
      const chain = [await newSession(api)];
      for (let time = 0; time < 6; time += 1) chain.push(await refreshed(api, chain.at(-1) as Session));
      const last = chain.at(-1) as Session;
      const before = await stored(last);
      for (const { refreshToken } of chain) await introspect(refreshToken, 'refresh_token');
      await host.commandsSettled();
      expect(await stored(last)).toEqual(before);
      expect(before).toMatchObject({ generation: 6, confirmedAt: null, revokedAt: null });
      expect((await refreshed(api, last)).id).toBe(last.id);
    });

    it('confirms the generation of an access token, as a guard does', async () => {
      const session = await newSession(api);
      expect((await stored(session))?.confirmedAt).toBeNull();
      await introspect(session.accessToken);
      await host.commandsSettled();
      expect((await stored(session))?.confirmedAt).toBeInstanceOf(Date);
    });

    test.each<[string, (session: Session) => unknown]>([
      ['logged out', ({ refreshToken }) => api.logout({ body: { refreshToken } })],
      ['logged out everywhere', ({ accessToken: token }) => api.send('POST', '/auth/logout-all', { token })],
      [
        'replaced by a change of password',
        ({ accessToken: token }) =>
          api.post(
            '/auth/change-password',
            { currentPassword: PASSWORD, newPassword: 'nine-Herons-fly-by' },
            { token },
          ),
      ],
      [
        'ended in the store by another process',
        ({ id }) => sessions().updateOne({ _id: new ObjectId(id) }, { $set: { revokedAt: new Date() } }),
      ],
      ['gone from the store', ({ id }) => sessions().deleteOne({ _id: new ObjectId(id) })],
    ])('describes the tokens of a session that is %s only as inactive', async (_, end) => {
      const session = await newSession(api);
      expect(await introspect(session.accessToken)).toMatchObject({ active: true });
      await end(session);
      for (const hint of ['access_token', 'refresh_token'])
        for (const token of [session.accessToken, session.refreshToken])
          expect(await introspect(token, hint)).toEqual({ active: false });
    });

    it('describes expired tokens only as inactive', async () => {
      let now = Date.now();
      const own = await HostApp.start(adapter, {
        introspectionClients: [GATEWAY],
        clock: { now: () => now },
      });
      try {
        const service = own.app.get(IntrospectionService);
        const { accessToken, refreshToken } = await newSession(own.api());
        now += 15 * 60_000 - 2_000;
        expect(await service.introspect(accessToken)).toMatchObject({ active: true });
        now += 2_000;
        expect(await service.introspect(accessToken)).toEqual({ active: false });
        expect(await service.introspect(refreshToken, 'refresh_token')).toMatchObject({ active: true });
        now += 7 * 86_400_000;
        expect(await service.introspect(refreshToken, 'refresh_token')).toEqual({ active: false });
      } finally {
        await own.stop();
      }
    });

    it('describes unknown tokens only as inactive', async () => {
      const { accessToken, refreshToken } = await newSession(api);
      const [header, payload, signature] = accessToken.split('.');
      for (const token of [
        'nonsense',
        '\u0000',
        'x'.repeat(9_000),
        `${header}.${payload}.`,
        `${header}.${payload}.${signature?.toUpperCase()}`,
        `${encode({ alg: 'none', typ: 'at+jwt', kid: 'x' })}.${payload}.`,
        `${refreshToken}x`,
        '{"$ne":null}',
      ])
        for (const hint of [undefined, 'refresh_token'])
          expect(await introspect(token, hint)).toEqual({ active: false });
    });
  });

  describe('revocation', () => {
    it('of a refresh token ends its session, with its access tokens, and gives the reason', async () => {
      const session = await newSession(api);
      heard.length = 0;
      await revoke(session.refreshToken);
      expectGuardRefusal(await api.me(session.accessToken), 'ACCESS_TOKEN_REVOKED');
      expectError(await api.refresh(session.refreshToken), 401, 'SESSION_REVOKED');
      expect(heard).toEqual([
        [
          'session.revoked',
          {
            ...{ userId: session.userId, sessionId: session.id, clientId: GATEWAY.id, source: SOURCE },
            reason: 'revoked_by_client',
          },
        ],
      ]);
      await revoke(session.refreshToken);
    });

    it('of an earlier refresh token ends the session too', async () => {
      const first = await newSession(api);
      const second = await refreshed(api, first);
      await revoke(first.refreshToken);
      expectError(await api.refresh(second.refreshToken), 401, 'SESSION_REVOKED');
      expect(heard.map(([name]) => name)).not.toContain('refresh_token.reuse_detected');
    });

    it('of an access token ends only that one', async () => {
      const first = await newSession(api);
      const second = await refreshed(api, first);
      heard.length = 0;
      await revoke(first.accessToken);
      expectGuardRefusal(await api.me(first.accessToken), 'ACCESS_TOKEN_REVOKED');
      expect(await introspect(first.accessToken)).toEqual({ active: false });
      expect((await api.me(second.accessToken)).status).toBe(200);
      expect((await refreshed(api, second)).id).toBe(second.id);
      // Repeated by a client that got no answer.
      await revoke(first.accessToken);
      expect(heard.filter(([name]) => name === 'access_token.revoked')).toHaveLength(1);
      expect(heard).toContainEqual([
        'access_token.revoked',
        {
          ...{ userId: first.userId, sessionId: first.id, clientId: GATEWAY.id, source: SOURCE },
          tokenId: claimsOf(first.accessToken).jti,
        },
      ]);
    });

    it('of an unknown token succeeds, and ends nothing', async () => {
      const session = await newSession(api);
      for (const token of [
        'nonsense',
        `${session.accessToken}x`,
        session.refreshToken.slice(0, -4),
        '\u0000',
      ])
        await revoke(token);
      expect((await api.me(session.accessToken)).status).toBe(200);
      expect((await refreshed(api, session)).id).toBe(session.id);
    });
  });

  it('does not change other routes: they refuse forms with 415', async () => {
    for (const path of ['login', 'register', 'refresh', 'logout']) {
      const answer = await api.send('POST', `/auth/${path}`, {
        raw: 'a=b',
        headers: { 'content-type': FORM },
      });
      expectError(answer, 415, 'UNSUPPORTED_MEDIA_TYPE');
    }
  });

  it('is available without the routes, for a host that has its own', async () => {
    const { accessToken, id } = await newSession(api);
    const service = host.app.get(IntrospectionService);
    expect(await service.introspect(accessToken)).toMatchObject({ active: true, sid: id });
  });
});

describe.each(ADAPTERS)('an application on %s', (adapter) => {
  it('without clients has no such routes, whatever is sent there', async () => {
    const host = await HostApp.start(adapter);
    try {
      for (const path of ['/auth/introspect', '/auth/revoke'])
        for (const call of <Call[]>[
          { raw: 'token=x', headers: { 'content-type': FORM, authorization: basic(GATEWAY) } },
          { raw: 'token=x', headers: { 'content-type': 'text/plain' } },
          {},
        ])
          expectError(await host.api().send('POST', path, call), 404, 'NOT_FOUND');
    } finally {
      await host.stop();
    }
  });

  it('that keeps no revocations refuses to revoke an access token, instead of claiming success', async () => {
    const host = await HostApp.start(adapter, {
      introspectionClients: [GATEWAY],
      revocation: { mode: 'off' },
    });
    try {
      const emitted: object[] = [];
      host.app.get(AuthEventBus).on('access_token.revoked', (payload) => emitted.push(payload));
      const send = (path: string, token: string) =>
        host.api().send('POST', `/auth/${path}`, {
          raw: text({ token }),
          headers: { authorization: basic(GATEWAY), 'content-type': FORM },
        });
      const { accessToken, refreshToken } = await newSession(host.api());
      const refused = await send('revoke', accessToken);
      expect({ status: refused.status, error: refused.json.error }).toEqual({
        status: 400,
        error: 'unsupported_token_type',
      });
      expect((await send('introspect', accessToken)).json.active).toBe(true);
      for (const token of [refreshToken, 'nonsense']) expect((await send('revoke', token)).status).toBe(200);
      expect((await send('introspect', accessToken)).json).toEqual({ active: false });
      expect(emitted).toEqual([]);
    } finally {
      await host.stop();
    }
  });

  it('limits a client that guesses at a secret, and no other', async () => {
    const options = authOptions({
      introspectionClients: [GATEWAY, ODD],
      throttle: { failures: { limit: 3, window: '1m' } },
    });
    const host = await HostApp.start(adapter, options);
    const emitted: AuthEvents['client.refused'][] = [];
    host.app.get(AuthEventBus).on('client.refused', (payload) => emitted.push(payload));
    const ask = (authorization: string) =>
      host.api().send('POST', '/auth/introspect', {
        raw: 'token=x',
        headers: { authorization, 'content-type': FORM },
      });
    try {
      for (let time = 0; time < 20; time += 1) expect((await ask(basic(GATEWAY))).status).toBe(200);
      const wrong = basic({ ...GATEWAY, secret: secret() });
      for (let time = 0; time < 3; time += 1) expect((await ask(wrong)).status).toBe(401);
      for (const authorization of [wrong, basic(GATEWAY)]) {
        const answer = await ask(authorization);
        expect({ status: answer.status, error: answer.json.error }).toEqual({
          status: 429,
          error: 'temporarily_unavailable',
        });
        expect(Number(answer.headers['retry-after'])).toBeGreaterThan(0);
      }
      expect((await ask(basic(ODD))).status).toBe(200);
      for (let time = 0; time < 3; time += 1)
        expect((await ask(basic({ id: `nobody-${time}`, secret: secret() }))).status).toBe(401);
      expect((await ask(basic({ id: 'nobody', secret: secret() }))).status).toBe(429);
      const times = (count: number, reason: string, clientId: string | null) =>
        Array.from({ length: count }, () => ({ clientId, reason, source: SOURCE }));
      // Without the unknown client's name: it may be a secret in the wrong field.
      expect(emitted).toEqual([
        ...times(3, 'wrong_secret', GATEWAY.id),
        ...times(2, 'client_limit', GATEWAY.id),
        ...times(3, 'unknown_client', null),
        ...times(1, 'client_limit', null),
      ]);
    } finally {
      await host.stop();
    }
  });
});
