import { afterEach, beforeEach, describe, expect, it } from '@jest/globals';
import { Controller, Get, Post, UseGuards } from '@nestjs/common';
import type { JWTPayload } from 'jose';
import { AuthModule, KeyRing } from '../../src/index.js';
import {
  type AuthenticatedSession,
  type AuthenticatedUser,
  AuthEventBus,
  CurrentSession,
  CurrentUser,
  JwtAuthGuard,
  OptionalJwtAuthGuard,
  Public,
  RequireFreshAuth,
  Roles,
  RolesGuard,
} from '../../src/verify/index.js';
import { eventually } from '../support/eventually.js';
import { CLAIMS, ISSUER, type Jwk, newKey, now, publicOf, signedBy } from '../support/foreign-tokens.js';
import { ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { anotherSession, type Answer, expectError, expectGuardRefusal, newSession } from '../support/http.js';
import { InMemoryRevocationStore } from '../support/in-memory-revocation.store.js';
import { headerOf, sign } from '../support/tokens.js';
import { KeySetServer, VerifyingHost, type VerifyOptions } from '../support/verifying-host.js';

@Controller('orders')
class OrdersController {
  @Get()
  @UseGuards(JwtAuthGuard)
  list(@CurrentUser() user: AuthenticatedUser, @CurrentSession() session: AuthenticatedSession) {
    return { user, session };
  }

  @Get('optional')
  @Public()
  @UseGuards(OptionalJwtAuthGuard)
  optional(@CurrentUser('id') id?: string) {
    return { id: id ?? null };
  }

  @Post('approve')
  @Roles('admin')
  @UseGuards(RolesGuard)
  approve() {
    return { approved: true };
  }

  @Post('pay')
  @UseGuards(JwtAuthGuard)
  @RequireFreshAuth('5m')
  pay() {
    return { paid: true };
  }
}

const JWKS = '/.well-known/jwks.json';
const SECRET = 'kp7Wm2Xq9LzR4tYv8NcB3sHd6JfGa1Eu5QwZxTn0';

let verifier: VerifyingHost | undefined;
let issuer: HostApp | undefined;
let keySet: KeySetServer;
beforeEach(async () => {
  keySet = await KeySetServer.start();
});
afterEach(async () => {
  await verifier?.stop();
  await issuer?.stop();
  await keySet.stop();
  verifier = issuer = undefined;
});

type Over = Partial<VerifyOptions>;

describe.each(ADAPTERS)('a service that only verifies, on %s', (adapter) => {
  async function start(over: Over = {}) {
    const options = { issuer: ISSUER, jwksUri: keySet.url, ...over };
    verifier = await VerifyingHost.start(adapter, options, { controllers: [OrdersController] });
    const api = verifier.api();
    return {
      api,
      list: (token?: string): Promise<Answer> => api.send('GET', '/orders', token ? { token } : {}),
    };
  }

  /** Together with the real service that signs. */
  async function startBoth(key: Jwk, over: Over = {}) {
    issuer = await HostApp.start(adapter, { keys: { access: [key], refresh: [SECRET] } });
    const jwksUri = issuer.origin + JWKS;
    return { ...(await start({ jwksUri, ...over })), from: issuer.api(), ring: issuer.app.get(KeyRing) };
  }

  function expectUnavailable(answer: Answer): void {
    expectError(answer, 503, 'TEMPORARILY_UNAVAILABLE');
    expect(answer.headers['retry-after']).toBe('1');
  }

  it('identifies the users of the service that signs, with the same request.user', async () => {
    const { api, list, from } = await startBoth(newKey('a', 'ES256'));
    const { accessToken: token, userId } = await newSession(from);
    const answer = await list(token);
    expect(answer.status).toBe(200);
    expect(answer.json).toEqual((await from.send('GET', '/orders', { token })).json);
    expect(answer.json.user).toMatchObject({ id: userId, roles: ['user'], claims: {} });
    expectGuardRefusal(await list(), 'ACCESS_TOKEN_MISSING');
    expectGuardRefusal(await list('bad'), 'ACCESS_TOKEN_INVALID');
    expect((await api.send('GET', '/orders/optional')).json).toEqual({ id: null });
    expect((await api.send('GET', '/orders/optional', { token })).json).toEqual({ id: userId });
    const denied: unknown[] = [];
    verifier?.app.get(AuthEventBus).on('access.denied', (event) => denied.push(event.userId));
    expectError(await api.send('POST', '/orders/approve', { token }), 403, 'FORBIDDEN');
    expect(
      await eventually(
        async () => denied,
        ({ length }) => length > 0,
      ),
    ).toEqual([userId]);
    expect((await api.send('POST', '/orders/pay', { token })).json).toEqual({ paid: true });
  });

  it('guards every route by globalGuard, and can require a recent login', async () => {
    const key = newKey('a', 'ES256');
    keySet.answer = { body: { keys: [publicOf(key)] } };
    const { api } = await start({ globalGuard: true });
    expectGuardRefusal(await api.send('POST', '/orders/approve'), 'ACCESS_TOKEN_MISSING');
    expect((await api.send('GET', '/orders/optional')).json).toEqual({ id: null });
    const old = await signedBy(key, { roles: ['admin'], auth_time: now() - 600 });
    expect((await api.send('POST', '/orders/approve', { token: old })).json).toEqual({ approved: true });
    const refused = await api.send('POST', '/orders/pay', { token: old });
    expectError(refused, 401, 'REAUTHENTICATION_REQUIRED');
    expect(refused.headers['www-authenticate']).toContain('max_age=300');
  });

  it('follows the rotation of keys, and drops a key that is withdrawn', async () => {
    const [old, young] = [newKey('old', 'ES256'), newKey('young', 'RS256')];
    const { list, from, ring } = await startBoth(old, { keySet: { maxAge: '1s', cooldown: '1s' } });
    const first = await newSession(from);
    expect((await list(first.accessToken)).status).toBe(200);

    ring.replace({ access: [young, old], refresh: [SECRET] });
    const next = await anotherSession(from, first.email);
    expect(headerOf(next.accessToken).kid).toBe('young');
    // The key is unknown, so it is fetched, unless another fetch was just made.
    const accepted = await eventually(
      () => list(next.accessToken),
      ({ status }) => status === 200,
    );
    expect(accepted.status).toBe(200);
    expect((await list(first.accessToken)).status).toBe(200);

    ring.replace({ access: [young], refresh: [SECRET] });
    const refused = await eventually(
      () => list(first.accessToken),
      ({ status }) => status !== 200,
    );
    expectGuardRefusal(refused, 'ACCESS_TOKEN_INVALID');
    expect((await list(next.accessToken)).status).toBe(200);
  });

  it('fetches for an unknown key, and not again before the cooldown is over', async () => {
    const [known, unknown] = [newKey('known', 'ES256'), newKey('unknown', 'ES256')];
    keySet.answer = { body: { keys: [publicOf(known)] } };
    const { list } = await start({ keySet: { cooldown: '1s' } });
    expect((await list(await signedBy(known))).status).toBe(200);
    expect(keySet.fetched).toBe(1);
    const strange = await signedBy(unknown);
    await eventually(
      () => list(strange),
      () => keySet.fetched === 2,
    );
    for (let each = 0; each < 5; each += 1) expectGuardRefusal(await list(strange), 'ACCESS_TOKEN_INVALID');
    expect(keySet.fetched).toBe(2);
    keySet.answer = { body: { keys: [publicOf(known), publicOf(unknown)] } };
    expect(
      (
        await eventually(
          () => list(strange),
          ({ status }) => status === 200,
        )
      ).status,
    ).toBe(200);
    expect(keySet.fetched).toBe(3);
  });

  it.each<[string, KeySetServer['answer']]>([
    ['answers with an error', { status: 500, body: {} }],
    ['is no key set', { body: { error: 'moved' } }],
    ['never answers', null],
  ])('answers 503 while the key set %s, and recovers', async (_what, answer) => {
    const key = newKey('a', 'ES256');
    keySet.answer = answer;
    const { api, list } = await start({ keySet: { timeout: 0.3 } });
    const token = await signedBy(key);
    const answers = await Promise.all([list(token), list(token), list(token)]);
    for (const each of answers) expectUnavailable(each);
    expect(keySet.fetched).toBeLessThan(3);
    expectGuardRefusal(await list('bad'), 'ACCESS_TOKEN_INVALID');
    expect((await api.send('GET', '/orders/optional')).status).toBe(200);
    keySet.answer = { body: { keys: [publicOf(key)] } };
    expect(
      (
        await eventually(
          () => list(token),
          ({ status }) => status !== 503,
        )
      ).status,
    ).toBe(200);
  });

  it('keeps using the keys it knows while the set is unreachable, for maxStaleness', async () => {
    const [known, unknown] = [newKey('known', 'ES256'), newKey('unknown', 'ES256')];
    keySet.answer = { body: { keys: [publicOf(known)] } };
    const { list } = await start({ keySet: { maxAge: '1s', cooldown: '1s', maxStaleness: '4s' } });
    const token = await signedBy(known);
    expect((await list(token)).status).toBe(200);
    keySet.answer = { status: 502, body: {} };
    const fetched = keySet.fetched;
    await eventually(
      async () => keySet.fetched,
      (count) => count > fetched,
    );
    expect((await list(token)).status).toBe(200);
    expectUnavailable(
      await eventually(
        async () => list(await signedBy(unknown)),
        ({ status }) => status === 503,
      ),
    );
    expectUnavailable(
      await eventually(
        () => list(token),
        ({ status }) => status !== 200,
      ),
    );
  });

  it.each(['RS256', 'PS256', 'ES256', 'ES384', 'ES512'])(
    'accepts %s only by the key of that name',
    async (alg) => {
      const key = newKey('a', alg);
      keySet.answer = { body: { keys: [publicOf(key)] } };
      const { list } = await start();
      const token = await signedBy(key);
      expect((await list(token)).json.user).toMatchObject({ id: 'ada', roles: ['user'] });
      expectGuardRefusal(await list(await signedBy(newKey('a', alg))), 'ACCESS_TOKEN_INVALID');
      if (alg.startsWith('ES')) return;
      const other = alg === 'RS256' ? 'PS256' : 'RS256';
      expectGuardRefusal(await list(await signedBy({ ...key, alg: other })), 'ACCESS_TOKEN_INVALID');
    },
  );

  it('refuses secrets, private keys and EdDSA in a key set, and uses the others', async () => {
    const [good, edwards, leaked] = [newKey('a', 'ES256'), newKey('ed', 'EdDSA'), newKey('leaked', 'ES256')];
    const secret = { kty: 'oct', k: Buffer.from(SECRET).toString('base64url'), kid: 'hs', alg: 'HS256' };
    keySet.answer = { body: { keys: [null, 'x', {}, secret, publicOf(edwards), leaked, publicOf(good)] } };
    const { list } = await start();
    expect((await list(await signedBy(good))).status).toBe(200);
    const claims = { ...CLAIMS, iat: now(), exp: now() + 300 };
    const header = { alg: 'HS256', typ: 'at+jwt' };
    const spki = JSON.stringify(publicOf(good));
    for (const token of [
      sign({ ...header, kid: 'hs' }, claims, SECRET),
      sign({ ...header, kid: 'a' }, claims, spki),
      await signedBy(edwards),
      await signedBy(leaked),
      `${sign({ ...header, alg: 'none', kid: 'a' }, claims, SECRET, 'HS256')
        .split('.')
        .slice(0, 2)
        .join('.')}.`,
    ])
      expectGuardRefusal(await list(token), 'ACCESS_TOKEN_INVALID');
  });

  it('refuses other issuers, audiences and kinds of token, expired tokens and bound tokens', async () => {
    const key = newKey('a', 'ES256');
    keySet.answer = { body: { keys: [publicOf(key)] } };
    const { api, list } = await start({ audience: 'orders' });
    const good = { aud: 'orders' };
    expect((await list(await signedBy(key, good))).status).toBe(200);
    const refusal = async (claims: JWTPayload, header: object, code: string) =>
      expectGuardRefusal(await list(await signedBy(key, { ...good, ...claims }, header)), code);
    await refusal({ iss: 'https://other.example.com' }, {}, 'ACCESS_TOKEN_INVALID');
    await refusal({ aud: ISSUER }, {}, 'ACCESS_TOKEN_INVALID');
    await refusal({}, { typ: 'JWT' }, 'ACCESS_TOKEN_INVALID');
    await refusal({ sid: 'odd' }, {}, 'ACCESS_TOKEN_INVALID');
    await refusal({ exp: now() - 1 }, {}, 'ACCESS_TOKEN_EXPIRED');
    const bound = await signedBy(key, { ...good, cnf: { jkt: 'x'.repeat(43) } });
    expectError(await list(bound), 401, 'PROOF_REQUIRED');
    for (const scheme of ['DPoP', 'Basic']) {
      const headers = { authorization: `${scheme} ${await signedBy(key, good)}` };
      expect((await api.send('GET', '/orders', { headers })).status).toBe(401);
    }
  });

  it('learns of revocations within the limit if both share a store', async () => {
    const store = new InMemoryRevocationStore();
    const key = newKey('a', 'ES256');
    issuer = await HostApp.startWith(adapter, {
      imports: [
        AuthModule.forRoot(
          authOptions({ keys: { access: [key], refresh: [SECRET] }, revocation: { store } }),
        ),
      ],
    });
    const { list } = await start({ jwksUri: issuer.origin + JWKS, revocation: { store } });
    const { accessToken: token } = await newSession(issuer.api());
    expect((await list(token)).status).toBe(200);
    await issuer.api().logout({ token });
    const refused = await eventually(
      () => list(token),
      ({ status }) => status !== 200,
    );
    expectGuardRefusal(refused, 'ACCESS_TOKEN_REVOKED');
  });
});
