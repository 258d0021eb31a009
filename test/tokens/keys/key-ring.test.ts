import { generateKeyPairSync, type JsonWebKey, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, describe, expect, it } from '@jest/globals';
import { createLocalJWKSet, jwtVerify } from 'jose';
import {
  AuthEventBus,
  type AuthOptions,
  ConfigurationError,
  type KeyInput,
  KeyRing,
} from '../../../src/index.js';
import { resolveOptions } from '../../../src/options/resolve-options.js';
import type { TokenKind } from '../../../src/tokens/keys/key-ring.js';
import { authOptions, HostApp } from '../../support/host-app.js';
import { expectGuardRefusal, newSession, refreshed, type Session } from '../../support/http.js';
import { InMemoryRevocationStore } from '../../support/in-memory-revocation.store.js';
import { headerOf, sign } from '../../support/tokens.js';

type Jwk = Exclude<KeyInput, string>;

const pair = (
  kid: string,
  alg: string,
  make: () => { privateKey: { export(as: object): JsonWebKey } },
): Jwk => ({
  ...make().privateKey.export({ format: 'jwk' }),
  kid,
  alg,
});
const ec = (kid: string) =>
  pair(kid, 'ES256', () => generateKeyPairSync('ec', { namedCurve: 'P-256' }) as never);
const rsa = (kid: string, alg = 'RS256') =>
  pair(kid, alg, () => generateKeyPairSync('rsa', { modulusLength: 2048 }) as never);
const hmac = (kid: string): Jwk => ({
  kty: 'oct',
  k: randomBytes(48).toString('base64url'),
  kid,
  alg: 'HS256',
});

describe(KeyRing.name, () => {
  const first = { access: [ec('a1')], refresh: [hmac('r1')] };
  let host: HostApp;
  let ring: KeyRing;
  const retired: unknown[] = [];

  beforeAll(async () => {
    host = await HostApp.start('express', authOptions({ keys: first, fingerprint: { mode: 'enforce' } }));
    ring = host.app.get(KeyRing);
    host.app.get(AuthEventBus).on('key.retired', (payload) => retired.push(payload));
  });
  afterAll(() => host?.stop());

  const works = async (session: Session): Promise<Session> => {
    expect((await host.api().me(session.accessToken)).status).toBe(200);
    return refreshed(host.api(), session);
  };

  it('loads keys of other algorithms, and logs out nobody whose key is still there', async () => {
    const before = await newSession(host.api());
    const next = { access: [...first.access, rsa('a2')], refresh: [...first.refresh, ec('r2')] };
    expect(ring.replace(next)).toEqual({
      access: { signing: 'a1', isNewSigner: false, added: ['a2'], retired: [] },
      refresh: { signing: 'r1', isNewSigner: false, added: ['r2'], retired: [] },
    });
    const during = await works(before);
    expect(headerOf(during.accessToken).kid).toBe('a1');

    ring.replace({ access: next.access.toReversed(), refresh: next.refresh.toReversed() });
    expect((await host.api().me(during.accessToken)).status).toBe(200);
    const after = await works(during);
    expect([headerOf(after.accessToken), headerOf(after.refreshToken)]).toMatchObject([
      { kid: 'a2', alg: 'RS256' },
      { kid: 'r2', alg: 'ES256' },
    ]);
    expect(retired).toEqual([]);

    ring.replace({ access: next.access.slice(1), refresh: next.refresh.slice(1) });
    expectGuardRefusal(await host.api().me(during.accessToken), 'ACCESS_TOKEN_INVALID');
    // The fingerprint is enforced, and was stored again under a key that derives from the new one.
    await works(after);
    expect(retired).toEqual([
      { kind: 'access', kid: 'a1' },
      { kind: 'refresh', kid: 'r1' },
    ]);
  });

  it('forgets verified tokens: one of a retired key is refused at once', async () => {
    const key = ec('gone');
    ring.replace({ access: [key], refresh: [hmac('r3')] });
    const { accessToken } = await newSession(host.api());
    for (const _ of [1, 2]) expect((await host.api().me(accessToken)).status).toBe(200);
    ring.replace({ access: [ec('here')], refresh: [hmac('r3')] });
    expectGuardRefusal(await host.api().me(accessToken), 'ACCESS_TOKEN_INVALID');
  });

  it('forgets a token that is being verified while the store is asked about it', async () => {
    const store = new InMemoryRevocationStore();
    const strict = await HostApp.start(
      'express',
      authOptions({ keys: first, revocation: { mode: 'strict', store } }),
    );
    try {
      const { accessToken } = await newSession(strict.api());
      const asked = new Promise<() => void>((resolve) => {
        store.hasAny = () => new Promise((answer) => resolve(() => answer(false)));
      });
      const me = strict.api().me(accessToken);
      const unasked = me.then(() => Promise.reject(new Error('answered without the store')));
      const answer = await Promise.race([asked, unasked]);
      unasked.catch(() => undefined);
      strict.app.get(KeyRing).replace({ ...first, access: [ec('here')] });
      answer();
      await me;
      store.hasAny = async () => false;
      expectGuardRefusal(await strict.api().me(accessToken), 'ACCESS_TOKEN_INVALID');
    } finally {
      await strict.stop();
    }
  });

  it('keeps its keys if the new ones cannot be used', async () => {
    const session = await newSession(host.api());
    const published = ring.publicKeys();
    for (const keys of [
      { access: [], refresh: [hmac('x')] },
      { access: ['short'], refresh: [hmac('x')] },
      { access: [ec('same'), ec('same')], refresh: [hmac('x')] },
      { access: [{ ...ec('public'), d: undefined }], refresh: [hmac('x')] },
      { access: undefined, refresh: undefined },
      null,
    ])
      expect(() => ring.replace(keys as never)).toThrow(ConfigurationError);
    expect(ring.publicKeys()).toEqual(published);
    await works(session);
  });

  it.each<[string, () => Jwk]>([
    ['ES256', () => ec('jose-ec')],
    ['RS256', () => rsa('jose-rsa')],
    ['PS256', () => rsa('jose-pss', 'PS256')],
  ])('publishes a key with which another library verifies access tokens: %s', async (alg, make) => {
    ring.replace({ access: [make(), rsa('waiting')], refresh: [hmac('r4')] });
    const { accessToken, userId, id } = await newSession(host.api());
    const { json } = await host.api().send('GET', '/.well-known/jwks.json');
    const { payload, protectedHeader } = await jwtVerify(accessToken, createLocalJWKSet(json), {
      issuer: 'https://issuer.example.com',
      audience: 'https://issuer.example.com',
      typ: 'at+jwt',
      requiredClaims: ['exp', 'iat', 'jti', 'client_id', 'sub'],
    });
    expect(protectedHeader.alg).toBe(alg);
    expect(payload).toMatchObject({ sub: userId, sid: id });
    const tampered = accessToken.replace(/\.([^.]{4})/, '.AAAA');
    await expect(jwtVerify(tampered, createLocalJWKSet(json))).rejects.toThrow();
  });
});

describe('a key ring without an application', () => {
  const ringOf = (keys: AuthOptions['keys'], fingerprint: AuthOptions['fingerprint'] = {}) => {
    const options = resolveOptions({ issuer: 'https://issuer.example.com', keys, fingerprint });
    return new KeyRing(options, new AuthEventBus(null));
  };
  const before = { access: [hmac('a1')], refresh: [hmac('r1')] };
  const after = { access: [ec('a2'), ...before.access], refresh: [hmac('r2'), ...before.refresh] };

  it('after a change of keys recognises the same browsers and devices as a newly started process', () => {
    const ring = ringOf(before);
    ring.replace(after);
    const restarted = ringOf(after);
    expect(ring.fingerprintKeys).toHaveLength(2);
    expect(ring.fingerprintKeys).toEqual(restarted.fingerprintKeys);
    expect(ring.deviceKeys).toHaveLength(2);
    expect(ring.deviceKeys).toEqual(restarted.deviceKeys);
  });

  it('keeps the fingerprint key that the host has set', () => {
    const fingerprint = { key: randomBytes(36).toString('base64url') };
    const ring = ringOf(before, fingerprint);
    const [key] = ring.fingerprintKeys;
    ring.replace(after);
    expect(ring.fingerprintKeys).toEqual([key]);
  });

  it('says which key signs now, and whether it has changed', () => {
    const ring = ringOf(before);
    expect(ring.replace(after)).toEqual({
      access: { signing: 'a2', isNewSigner: true, added: ['a2'], retired: [] },
      refresh: { signing: 'r2', isNewSigner: true, added: ['r2'], retired: [] },
    });
    expect(ring.signingKey('access')).toMatchObject({ kid: 'a2', alg: 'ES256' });
  });

  it('a verifier that received the list of algorithms follows a change of keys', () => {
    const ring = ringOf(before);
    const algorithms = ring.algorithms('access');
    expect(algorithms).toEqual(['HS256']);
    ring.replace({ ...after, access: [...after.access, hmac('a3')] });
    expect(algorithms).toEqual(['ES256', 'HS256']);
    expect(ring.algorithms('refresh')).toEqual(['HS256']);
  });

  it("finds a token's key only by type, kid and algorithm together", () => {
    const ring = ringOf({ access: [hmac('one')], refresh: [hmac('two')] });
    const key = (header: object, kind: TokenKind = 'access') =>
      ring.verifyingKey(
        kind,
        sign({ alg: 'HS256', typ: 'at+jwt', kid: 'one', ...header }, {}, 'any', 'HS256'),
      );
    expect(key({})).toEqual(ring.signingKey('access').key);
    for (const odd of [{ typ: 'rt+jwt' }, { typ: 'JWT' }, { kid: 'two' }, { kid: 'three' }, { alg: 'HS384' }])
      expect(key(odd)).toBeNull();
    expect(key({ kid: 'two' }, 'refresh')).toBeNull();
    expect(key({ kid: 'two', typ: 'rt+jwt' }, 'refresh')).toEqual(ring.signingKey('refresh').key);
    expect(ring.verifyingKey('access', 'no token')).toBeNull();
  });

  it('publishes no HMAC key', () => {
    const ring = ringOf(before);
    expect(ring.publicKeys()).toEqual({ keys: [] });
    ring.replace(after);
    expect(ring.publicKeys().keys.map(({ kid }) => kid)).toEqual(['a2']);
  });
});
