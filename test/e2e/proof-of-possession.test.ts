import { request as httpRequest } from 'node:http';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { calculateJwkThumbprint } from 'jose';
import { Types } from 'mongoose';
import { AuthEventBus, type AuthEventName, AuthModule, KeyRing } from '../../src/index.js';
import { newAttempt } from '../support/attempting-client.js';
import { databaseUri } from '../support/database.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import {
  Answer,
  type Api,
  type Call,
  expectCookieCleared,
  expectCookieLeftAlone,
  expectError,
  expectNoContent,
  newSession,
  PASSWORD,
  type Session,
  sessionOf,
  uniqueEmail,
  USER_AGENT,
} from '../support/http.js';
import { HandKey, KeyClient } from '../support/proofs.js';
import { claimsOf, type Part } from '../support/tokens.js';

const ISSUER = 'https://issuer.example.com/tenant';
const FRONT_END = 'https://app.example.com';
const MINUTE = 60_000;
const NEW_PASSWORD = 'nine-Herons-over-the-marsh';
const SOURCE = { ip: expect.stringContaining('127.0.0.1'), userAgent: USER_AGENT };

interface Bound extends Session {
  readonly client: KeyClient;
}

describe.each(ADAPTERS)('proof of possession on %s', (adapter) => {
  const options = authOptions({
    issuer: ISSUER,
    trustedOrigins: [FRONT_END],
    clock: { now: () => Date.now() + aheadMs },
  });
  const uri = databaseUri('proof');
  let aheadMs = 0;
  let host: HostApp;
  let api: Api;
  let events: { name: AuthEventName; payload: object }[];

  beforeAll(async () => {
    host = await HostApp.startWith(adapter, { imports: [AuthModule.forRoot(options)] }, uri);
    api = host.api();
    host.app.get(AuthEventBus).onEvery((name, payload) => events.push({ name, payload }));
  });
  afterAll(() => host.stop());
  beforeEach(() => {
    events = [];
  });

  const proofEvents = () =>
    events.filter(({ name }) => name === 'refresh_token.proof_failed').map(({ payload }) => payload);
  const document = (id: string) =>
    host.connection.collection('refresh_tokens').findOne({ _id: new Types.ObjectId(id) });

  async function bind(transport: 'body' | 'cookie' = 'body', client?: KeyClient): Promise<Bound> {
    const holder = client ?? (await KeyClient.create(api, ISSUER));
    const fields = { email: uniqueEmail(), password: PASSWORD, transport };
    return { ...sessionOf(await holder.post('/auth/register', fields)), client: holder };
  }

  const carrying = ({ refreshToken }: Session, transport: 'body' | 'cookie'): Call =>
    transport === 'body' ? { body: { refreshToken } } : { refreshCookie: refreshToken };

  /** The session is unchanged, its cookie is kept, and no event reports the request as theft. */
  async function untouched(session: Session, act: () => Promise<Answer>): Promise<Answer> {
    const before = await document(session.id);
    const answer = await act();
    expect(await document(session.id)).toEqual(before);
    expectCookieLeftAlone(answer);
    expect(events.map(({ name }) => name)).not.toContain('refresh_token.reuse_detected');
    return answer;
  }

  /** The owner continues as if nothing had happened. */
  async function ownerGoesOn(session: Bound): Promise<void> {
    const answer = await session.client.post('/auth/refresh', { refreshToken: session.refreshToken });
    expect(sessionOf(answer).id).toBe(session.id);
    expect(answer.json.session.generation).toBe(claimsOf(session.refreshToken).gen + 1);
  }

  describe.each(['body', 'cookie'] as const)('in %s transport', (transport) => {
    it('a session is bound from its first answer to its last', async () => {
      const client = await KeyClient.create(api, ISSUER);
      const email = uniqueEmail();
      const registered = await client.once('POST', '/auth/register', {
        body: { email, password: PASSWORD, transport },
      });
      expectError(registered, 401, 'PROOF_NONCE_REQUIRED');
      expect(registered.headers['www-authenticate']).toBe('DPoP error="use_dpop_nonce", algs="ES256"');
      const first = sessionOf(await client.post('/auth/register', { email, password: PASSWORD, transport }));
      expect(claimsOf(first.refreshToken)).toMatchObject({ cnf: { jkt: client.jkt } });
      expect(claimsOf(first.accessToken)).not.toHaveProperty('cnf');
      expect(await document(first.id)).toMatchObject({ jkt: client.jkt });

      let session = sessionOf(await client.post('/auth/login', { email, password: PASSWORD, transport }));
      for (const _ of [1, 2, 3]) {
        const answer = await client.once('POST', '/auth/refresh', carrying(session, transport));
        expect(answer.headers['dpop-nonce']).toMatch(/^[\w-]+$/);
        session = sessionOf(answer);
        // Much later than the nonce's end: the answer to a refresh contains only the current nonce.
        aheadMs += 5 * MINUTE;
        const late = await client.once('POST', '/auth/refresh', carrying(session, transport));
        expectError(late, 401, 'PROOF_NONCE_REQUIRED');
        session = sessionOf(await client.once('POST', '/auth/refresh', carrying(session, transport)));
      }

      const passwords = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
      const changed = await client.post('/auth/change-password', passwords, { token: session.accessToken });
      const last = sessionOf(changed);
      expect(claimsOf(last.refreshToken)).toMatchObject({ cnf: { jkt: client.jkt } });
      expect(await document(last.id)).toMatchObject({ jkt: client.jkt });
      expectNoContent(await client.send('POST', '/auth/logout', carrying(last, transport)));
      expect(await document(last.id)).toMatchObject({ revokedReason: 'logged_out' });
      expect(proofEvents()).toEqual([]);
    });

    it('a copied token is useless, and its owner is not affected', async () => {
      const session = await bind(transport);
      const thief = await KeyClient.create(api, ISSUER);
      const stolen = carrying(session, transport);
      const attempts: [() => Promise<Answer>, string][] = [
        [() => api.send('POST', '/auth/refresh', stolen), 'proof_missing'],
        [() => thief.send('POST', '/auth/refresh', stolen), 'other_key'],
        [() => api.send('POST', '/auth/logout', stolen), 'proof_missing'],
        [() => thief.send('POST', '/auth/logout', stolen), 'other_key'],
      ];
      for (const [attempt, reason] of attempts) {
        const answer = await untouched(session, attempt);
        expectError(answer, 401, 'PROOF_REQUIRED');
        expect(answer.headers['www-authenticate']).toBe('DPoP error="invalid_dpop_proof", algs="ES256"');
        expect(proofEvents().at(-1)).toEqual({
          userId: session.userId,
          sessionId: session.id,
          reason,
          source: SOURCE,
        });
      }
      expect(proofEvents()).toHaveLength(attempts.length);
      expect((await api.me(session.accessToken)).status).toBe(200);
      expect((await session.client.send('POST', '/auth/refresh', stolen)).status).toBe(200);
    });
  });

  describe('a refresh of a bound session is refused, and nothing changes', () => {
    const key = new HandKey();
    let session: Bound;
    let nonce: string;

    beforeAll(async () => {
      const jkt = await calculateJwkThumbprint(key.jwk);
      const refused = await api.send('POST', '/auth/login', { headers: { dpop: key.proof(claims()) } });
      expectError(refused, 400, 'VALIDATION_FAILED');
      const fields = { email: uniqueEmail(), password: PASSWORD, transport: 'body' };
      const first = await api.register(fields, { headers: { dpop: key.proof(claims('register')) } });
      nonce = String(first.headers['dpop-nonce']);
      const dpop = key.proof({ ...claims('register'), nonce });
      session = { ...sessionOf(await api.register(fields, { headers: { dpop } })), client: null as never };
      expect(claimsOf(session.refreshToken)).toMatchObject({ cnf: { jkt } });
    });

    let count = 0;
    function claims(route = 'refresh'): Part {
      count += 1;
      return { jti: `j-${count}`, htm: 'POST', htu: `${ISSUER}/auth/${route}`, iat: 1_700_000_000, nonce };
    }
    const refresh = (dpop: string) => api.refresh(session.refreshToken, { headers: { dpop } });

    it.each<[string, string, () => string]>([
      ['an empty header', 'proof_malformed', () => ''],
      ['no JWS', 'proof_malformed', () => 'proof'],
      ['a JWS of another type', 'proof_malformed', () => key.proof(claims(), { typ: 'JWT' })],
      ['the refresh token itself', 'proof_malformed', () => session.refreshToken],
      ['alg none', 'proof_algorithm', () => key.proof(claims(), { alg: 'none' })],
      ['an HMAC', 'proof_algorithm', () => key.proof(claims(), { alg: 'HS256' })],
      ['no key', 'proof_malformed', () => key.proof(claims(), { jwk: undefined })],
      ['a private key', 'proof_malformed', () => key.proof(claims(), { jwk: key.privateJwk })],
      ['another key', 'other_key', () => new HandKey().proof(claims())],
      [
        'the right key, signed by another',
        'proof_signature',
        () => new HandKey().proof(claims(), { jwk: key.jwk }),
      ],
      ['no jti', 'proof_malformed', () => key.proof({ ...claims(), jti: undefined })],
      ['a long jti', 'proof_malformed', () => key.proof({ ...claims(), jti: 'j'.repeat(300) })],
      ['no htm', 'proof_malformed', () => key.proof({ ...claims(), htm: undefined })],
      ['another htm', 'other_method', () => key.proof({ ...claims(), htm: 'GET' })],
      ['no htu', 'proof_malformed', () => key.proof({ ...claims(), htu: undefined })],
      ['another route', 'other_url', () => key.proof(claims('login'))],
      [
        'another host',
        'other_url',
        () => key.proof({ ...claims(), htu: 'https://evil.example.net/auth/refresh' }),
      ],
      ['no iat', 'proof_malformed', () => key.proof({ ...claims(), iat: undefined })],
    ])('with %s: %s', async (_, reason, proof) => {
      const answer = await untouched(session, () => refresh(proof()));
      expectError(answer, 401, 'PROOF_REQUIRED');
      expect(answer.headers['dpop-nonce']).toMatch(/^[\w-]{22}$/);
      expect(proofEvents()).toEqual([
        { userId: session.userId, sessionId: session.id, reason, source: SOURCE },
      ]);
    });

    it.each<[string, () => Part]>([
      ['no nonce', () => ({ nonce: undefined })],
      ['a nonce that was made up', () => ({ nonce: 'A'.repeat(22) })],
      ['the end of a nonce', () => ({ nonce: nonce.slice(1) })],
    ])('with %s: the client is given one, and is not treated as a thief', async (_, change) => {
      const answer = await untouched(session, () => refresh(key.proof({ ...claims(), ...change() })));
      expectError(answer, 401, 'PROOF_NONCE_REQUIRED');
      expect(answer.headers['dpop-nonce']).toBe(nonce);
      expect(proofEvents()).toEqual([]);
    });

    it('with two headers, even if both are valid', async () => {
      const proofs = [key.proof(claims()), key.proof(claims())];
      const answer = await untouched(session, () => withHeaders(api, session, proofs));
      expectError(answer, 401, 'PROOF_REQUIRED');
      expect(proofEvents()).toMatchObject([{ reason: 'proof_malformed' }]);
    });

    it('with a proof that was used before, by any client', async () => {
      const dpop = key.proof(claims());
      const next = sessionOf(await refresh(dpop));
      for (const refreshToken of [session.refreshToken, next.refreshToken]) {
        const answer = await untouched(session, () => api.refresh(refreshToken, { headers: { dpop } }));
        expectError(answer, 401, 'PROOF_NONCE_REQUIRED');
      }
      expect(proofEvents()).toMatchObject([{ reason: 'proof_replayed' }, { reason: 'proof_replayed' }]);
      session = { ...session, ...next };
      expect((await refresh(key.proof(claims()))).status).toBe(200);
    });

    it('with a proof that another process has accepted: the session remembers it', async () => {
      const other = await HostApp.startWith(adapter, { imports: [AuthModule.forRoot(options)] }, uri);
      try {
        const bound = await bind();
        const dpop = await bound.client.proof('POST', '/auth/refresh');
        const repeat = (to: Api) => to.refresh(bound.refreshToken, { headers: { dpop } });
        const next = sessionOf(await repeat(other.api()));
        await other.api().me(next.accessToken);
        await other.commandsSettled();
        expectError(await untouched(bound, () => repeat(api)), 401, 'PROOF_NONCE_REQUIRED');
        expect(proofEvents()).toMatchObject([{ sessionId: bound.id, reason: 'proof_replayed' }]);
        await ownerGoesOn({ ...bound, ...next });
      } finally {
        await other.app.close();
      }
    });

    it('with the proof of a retry that another process has answered: only one of simultaneous copies wins', async () => {
      const other = await HostApp.startWith(adapter, { imports: [AuthModule.forRoot(options)] }, uri);
      try {
        const bound = await bind();
        const attempt = newAttempt();
        const request = async () => ({ dpop: await bound.client.proof('POST', '/auth/refresh') });
        const send = (to: Api, headers: { dpop: string }) =>
          to.refresh(bound.refreshToken, { headers }, { attempt });
        const lost = sessionOf(await send(api, await request()));
        const retry = await request();
        expect(sessionOf(await send(api, retry)).refreshToken).toBe(lost.refreshToken);
        expectError(await untouched(bound, () => send(other.api(), retry)), 401, 'PROOF_NONCE_REQUIRED');
        const second = await request();
        const answers = await Promise.all([api, other.api()].map((to) => send(to, second)));
        expect(answers.map(({ status }) => status).toSorted()).toEqual([200, 401]);
      } finally {
        await other.app.close();
      }
    });

    it('with the proof of a request that waited while its client went on', async () => {
      const bound = await bind();
      const dpop = await bound.client.proof('POST', '/auth/refresh');
      const frozen = () => api.refresh(bound.refreshToken, { headers: { dpop } });
      const next = sessionOf(await bound.client.post('/auth/refresh', { refreshToken: bound.refreshToken }));
      expect((await api.me(next.accessToken)).status).toBe(200);
      await host.commandsSettled();
      aheadMs += 3 * MINUTE;
      expectError(await untouched(bound, frozen), 401, 'PROOF_NONCE_REQUIRED');
      expect(proofEvents()).toEqual([]);
      expect((await bound.client.post('/auth/refresh', { refreshToken: next.refreshToken })).status).toBe(
        200,
      );
    });

    it('without its key, which is lost: the next login begins another session', async () => {
      const bound = await bind();
      const other = await KeyClient.create(api, ISSUER);
      const answer = await untouched(bound, () =>
        other.post('/auth/refresh', { refreshToken: bound.refreshToken }),
      );
      expectError(answer, 401, 'PROOF_REQUIRED');
      const fields = { email: bound.email, password: PASSWORD, transport: 'body' };
      const again = sessionOf(await other.post('/auth/login', fields));
      expect(claimsOf(again.refreshToken)).toMatchObject({ cnf: { jkt: other.jkt } });
      await ownerGoesOn(bound);
    });
  });

  it('nonces outlive a rotation of the refresh keys', async () => {
    const bound = await bind();
    const { access, refresh } = options.keys;
    const ring = host.app.get(KeyRing);
    try {
      ring.replace({ access, refresh: ['8Jq2mVt0yB5xKc7ZrW3nP9sLdF6hG1aQ', ...refresh] });
      const answer = await bound.client.once('POST', '/auth/refresh', {
        body: { refreshToken: bound.refreshToken },
      });
      expect(answer.status).toBe(200);
      await ownerGoesOn({ ...bound, ...sessionOf(answer) });
    } finally {
      ring.replace({ access, refresh });
    }
  });

  describe('the URL of a proof', () => {
    const refreshAs = async (base: string, headers: Record<string, string> = {}) => {
      const client = await KeyClient.create(api, base);
      const fields = { email: uniqueEmail(), password: PASSWORD, transport: 'body' };
      return client.post('/auth/register', fields, { headers });
    };

    it.each([
      ['the issuer', () => ISSUER],
      ['the host of the issuer, if a proxy adds the path', () => 'https://issuer.example.com'],
      ['another spelling of it', () => 'HTTPS://ISSUER.example.com:443/x/../tenant'],
      ['a trusted front end', () => FRONT_END],
      ['this machine, for development', () => host.origin],
    ])('may name %s', async (_, base) => {
      expect((await refreshAs(base())).status).toBe(201);
    });

    it.each<[string, string, Record<string, string>]>([
      ['another service', 'https://evil.example.net', {}],
      ['one that the client names in Host', 'http://evil.example.net', { host: 'evil.example.net' }],
      [
        'one that the client names in X-Forwarded-Host',
        'https://evil.example.net',
        { 'x-forwarded-host': 'evil.example.net', 'x-forwarded-proto': 'https' },
      ],
      ['the issuer without HTTPS', 'http://issuer.example.com/tenant', {}],
      ['another port of this machine', 'http://127.0.0.1:1', {}],
    ])('must not name %s', async (_, base, headers) => {
      expectError(await refreshAs(base, headers), 401, 'PROOF_REQUIRED');
    });
  });

  it('a login with an invalid proof is refused, not unbound', async () => {
    const { email } = await newSession(api);
    for (const dpop of ['proof', new HandKey().proof({ jti: 'j' })]) {
      const answer = await api.login({ email, password: PASSWORD }, { headers: { dpop } });
      expectError(answer, 401, 'PROOF_REQUIRED');
      expectCookieLeftAlone(answer);
    }
    expect(events.map(({ name }) => name)).not.toContain('user.logged_in');
  });

  it('an unbound session needs no proof, and ignores one', async () => {
    let session = await newSession(api);
    expect(await document(session.id)).not.toHaveProperty('jkt');
    const client = await KeyClient.create(api, ISSUER);
    for (const dpop of ['proof', await client.proof('POST', '/auth/refresh'), await client.proof('GET', '/')])
      session = sessionOf(await api.refresh(session.refreshToken, { headers: { dpop } }));
    expect(claimsOf(session.refreshToken)).not.toHaveProperty('cnf');
    expect(await document(session.id)).not.toHaveProperty('jkt');
    expectNoContent(await api.logout({ body: { refreshToken: session.refreshToken } }));
    expect(proofEvents()).toEqual([]);
  });

  it('a change of password needs the key, and may bind an unbound session', async () => {
    const bound = await bind();
    const passwords = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    // The first use of the access token is recorded, whatever it is for.
    await api.me(bound.accessToken);
    await host.commandsSettled();
    const change = () => api.post('/auth/change-password', passwords, { token: bound.accessToken });
    expectError(await untouched(bound, change), 401, 'PROOF_REQUIRED');
    expect(proofEvents()).toMatchObject([{ sessionId: bound.id, reason: 'proof_missing' }]);
    const fields = { email: bound.email, password: PASSWORD, transport: 'body' };
    expect((await api.login(fields)).status).toBe(200);

    const client = await KeyClient.create(api, ISSUER);
    const open = await newSession(api);
    const answer = await client.post('/auth/change-password', passwords, { token: open.accessToken });
    expect(claimsOf(sessionOf(answer).refreshToken)).toMatchObject({ cnf: { jkt: client.jkt } });
  });

  it('a logout with a bearer token of the session needs no key: a client can always log out', async () => {
    const bound = await bind('cookie');
    const other = await bind('cookie');
    const both = { refreshCookie: bound.refreshToken, token: other.accessToken };
    expectError(await untouched(bound, () => api.logout(both)), 401, 'PROOF_REQUIRED');
    expect((await document(other.id))?.revokedAt).toBeNull();
    const answer = await api.logout({ refreshCookie: bound.refreshToken, token: bound.accessToken });
    expectNoContent(answer);
    expectCookieCleared(answer);
    expect(await document(bound.id)).toMatchObject({ revokedReason: 'logged_out' });
  });

  it('stored events contain no proof and no key', async () => {
    const bound = await bind();
    const dpop = await (await KeyClient.create(api, ISSUER)).proof('POST', '/auth/refresh');
    await api.refresh(bound.refreshToken, { headers: { dpop } });
    expect(JSON.stringify(events)).not.toContain(dpop.split('.')[1]);
    expect(JSON.stringify(events)).not.toContain(bound.client.jkt);
  });
});

describe.each(ADAPTERS)('a service that requires proofs, on %s', (adapter) => {
  let host: HostApp;
  beforeAll(async () => {
    host = await HostApp.start(adapter, { issuer: ISSUER, refreshToken: { senderConstraint: 'required' } });
  });
  afterAll(() => host.stop());

  it('begins no session without one, and reveals nothing about the password', async () => {
    const fields = { email: uniqueEmail(), password: PASSWORD };
    const refused = await host.api().register(fields);
    expectError(refused, 401, 'PROOF_REQUIRED');
    expect(refused.headers['dpop-nonce']).toMatch(/\S/);
    expect(await host.connection.collection('users').countDocuments()).toBe(0);
    const client = await KeyClient.create(host.api(), ISSUER);
    expect((await client.post('/auth/register', fields)).status).toBe(201);
    for (const password of [PASSWORD, 'wrong'])
      expectError(await host.api().login({ ...fields, password }), 401, 'PROOF_REQUIRED');
    expect((await client.post('/auth/login', fields)).status).toBe(200);
  });
});

describe.each(ADAPTERS)('a service that binds no session, on %s', (adapter) => {
  let host: HostApp;
  beforeAll(async () => {
    host = await HostApp.start(adapter, { issuer: ISSUER, refreshToken: { senderConstraint: 'off' } });
  });
  afterAll(() => host.stop());

  it('ignores proofs', async () => {
    const fields = { email: uniqueEmail(), password: PASSWORD, transport: 'body' };
    const answer = await host.api().register(fields, { headers: { dpop: 'proof' } });
    expect(claimsOf(sessionOf(answer).refreshToken)).not.toHaveProperty('cnf');
    expect(answer.headers).not.toHaveProperty('dpop-nonce');
  });
});

describe.each(ADAPTERS)('bound access tokens on %s', (adapter) => {
  let host: HostApp;
  let api: Api;
  let client: KeyClient;
  let session: Session;

  beforeAll(async () => {
    host = await HostApp.start(adapter, { issuer: ISSUER, accessToken: { senderConstraint: 'on' } });
    api = host.api();
  });
  afterAll(() => host.stop());
  beforeEach(async () => {
    client = await KeyClient.create(api, ISSUER);
    const answer = await client.post('/auth/register', {
      email: uniqueEmail(),
      password: PASSWORD,
      transport: 'body',
    });
    expect(answer.json.tokenType).toBe('DPoP');
    session = sessionOf(answer);
  });

  const confirmedAt = async () => {
    await host.commandsSettled();
    const row = await host.connection
      .collection('refresh_tokens')
      .findOne({ _id: new Types.ObjectId(session.id) });
    return row?.confirmedAt;
  };
  const get = (path: string, headers: Record<string, string>) => api.send('GET', path, { headers });

  it('need the scheme DPoP and a proof for each request, on the routes of the host too', async () => {
    const token = session.accessToken;
    expect(claimsOf(token)).toMatchObject({ cnf: { jkt: client.jkt } });
    for (const path of ['/orders', '/orders?page=2', '/auth/me', '/auth/sessions']) {
      const answer = await client.send('GET', path, {}, token);
      expect({ path, status: answer.status }).toEqual({ path, status: 200 });
    }
    const passwords = { currentPassword: PASSWORD, newPassword: NEW_PASSWORD };
    const changed = await client.send('POST', '/auth/change-password', { body: passwords }, token);
    expect(changed.json.tokenType).toBe('DPoP');
    const last = sessionOf(changed).accessToken;
    expectNoContent(await client.send('POST', '/auth/logout', {}, last));
  });

  it('are useless to a thief: not even a sign that the answer arrived', async () => {
    const token = session.accessToken;
    const thief = await KeyClient.create(api, ISSUER);
    // Already seen by the guard from its owner, and not.
    for (const state of ['unknown', 'known']) {
      const bearer = await api.send('GET', '/orders', { token });
      expectError(bearer, 401, 'PROOF_REQUIRED');
      expect(bearer.headers['www-authenticate']).toBe('DPoP error="invalid_dpop_proof", algs="ES256"');
      expectError(
        await api.send('GET', '/orders', {
          token,
          headers: { dpop: await client.proof('GET', '/orders', token) },
        }),
        401,
        'PROOF_REQUIRED',
      );
      expectError(await get('/orders', { authorization: `DPoP ${token}` }), 401, 'PROOF_REQUIRED');
      expectError(await thief.send('GET', '/orders', {}, token), 401, 'PROOF_REQUIRED');
      expectError(await api.logout({ token }), 401, 'PROOF_REQUIRED');
      if (state === 'unknown') {
        expect(await confirmedAt()).toBeNull();
        expect((await client.send('GET', '/orders', {}, token)).status).toBe(200);
      }
    }
    expect(await confirmedAt()).toBeInstanceOf(Date);
  });

  it.each<[string, (token: string) => Promise<string>, string]>([
    ['for another route', (token) => client.proof('GET', '/auth/me', token), 'PROOF_REQUIRED'],
    ['for another method', (token) => client.proof('POST', '/orders', token), 'PROOF_REQUIRED'],
    ['for no token', () => client.proof('GET', '/orders'), 'PROOF_REQUIRED'],
    ['for another token', () => client.proof('GET', '/orders', 'a.b.c'), 'PROOF_REQUIRED'],
  ])('refuse a proof %s', async (_, proof, code) => {
    const token = session.accessToken;
    const headers = { authorization: `DPoP ${token}`, dpop: await proof(token) };
    expectError(await get('/orders', headers), 401, code);
  });

  it('accept a proof once', async () => {
    const token = session.accessToken;
    const headers = { authorization: `dpop ${token}`, dpop: await client.proof('GET', '/orders', token) };
    expect((await get('/orders', headers)).status).toBe(200);
    const again = await get('/orders', headers);
    expectError(again, 401, 'PROOF_NONCE_REQUIRED');
    expect(again.headers['www-authenticate']).toBe('DPoP error="use_dpop_nonce", algs="ES256"');
  });

  it('of unbound sessions are bearer tokens, and are accepted with no other scheme', async () => {
    const open = await newSession(api);
    expect(claimsOf(open.accessToken)).not.toHaveProperty('cnf');
    expect((await api.send('GET', '/orders', { token: open.accessToken })).status).toBe(200);
    for (const _ of [1, 2]) {
      const answer = await client.send('GET', '/orders', {}, open.accessToken);
      expectError(answer, 401, 'ACCESS_TOKEN_INVALID');
      expect(answer.headers['www-authenticate']).toBe('DPoP error="invalid_token", algs="ES256"');
    }
  });
});

/** Sends two headers of one name, which `fetch` and the other callers cannot. */
function withHeaders(api: Api, session: Session, proofs: string[]): Promise<Answer> {
  const body = JSON.stringify({ refreshToken: session.refreshToken });
  const headers = { 'content-type': 'application/json', 'user-agent': USER_AGENT, dpop: proofs };
  return new Promise((resolve, reject) => {
    const outgoing = httpRequest(`${api.origin}/auth/refresh`, { method: 'POST', headers, agent: false });
    outgoing.on('error', reject);
    outgoing.on('response', (incoming) => {
      const chunks: Buffer[] = [];
      incoming.on('data', (chunk: Buffer) => chunks.push(chunk));
      incoming.on('end', () =>
        resolve(new Answer(incoming.statusCode ?? 0, incoming.headers, Buffer.concat(chunks).toString())),
      );
    });
    outgoing.end(body);
  });
}
