import { generateKeyPairSync } from 'node:crypto';
import { describe, expect, it } from '@jest/globals';
import { JwtService } from '@nestjs/jwt';
import type { UserRecord } from '../../src/core/ports.js';
import type { RefreshSession } from '../../src/core/refresh-token.store.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import type { AuthOptions } from '../../src/options/auth-options.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { KeyRing } from '../../src/tokens/keys/key-ring.js';
import { TokenSigner } from '../../src/tokens/token-signer.js';
import { headerOf, resign } from '../support/tokens.js';

const T0 = Date.parse('2026-01-01T00:00:00Z');
const MINUTE_MS = 60_000;
const ACCESS_KEY = 'TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d';
const REFRESH_KEY = 'nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk';
const ISSUER = 'https://issuer.example.com';
const SECRET = 'S'.repeat(43);
const USER: UserRecord = {
  id: 'user-1',
  email: 'user@example.com',
  roles: ['user'],
  passwordHash: '',
  tokenVersion: 'v1',
  disabledAt: null,
  createdAt: new Date(T0),
};
const SESSION = {
  id: '65a000000000000000000001',
  userId: USER.id,
  generation: 4,
  createdAt: new Date(T0),
  rotatedAt: new Date(T0),
  expiresAt: new Date(T0 + 60 * MINUTE_MS),
  absoluteExpiresAt: new Date(T0 + 600 * MINUTE_MS),
  transport: 'body',
  jkt: null,
  device: { appId: null },
} as RefreshSession;

function signerOf(issuer: string, nowMs = T0, over: Partial<AuthOptions> = {}): TokenSigner {
  const options = resolveOptions({
    issuer,
    audience: 'https://api.example.com',
    keys: { access: [ACCESS_KEY], refresh: [REFRESH_KEY] },
    accessToken: { ttl: '15m', ttlByApp: { kiosk: '1m' } },
    ...over,
  });
  return new TokenSigner(
    options,
    { now: () => nowMs },
    new KeyRing(options, new AuthEventBus(null)),
    new JwtService({}),
  );
}

describe(TokenSigner.name, () => {
  const signer = signerOf(ISSUER);

  it('accepts its own tokens', () => {
    const access = signer.signAccessToken(USER, SESSION).token;
    const refresh = signer.signRefreshToken(SESSION, SECRET).token;
    expect(signer.verifyAccessToken(access)).toMatchObject({
      iss: ISSUER,
      sid: SESSION.id,
      gen: 4,
      ver: 'v1',
    });
    expect(signer.verifyRefreshToken(refresh)).toMatchObject({ iss: ISSUER, sid: SESSION.id, sec: SECRET });
  });

  it('recognises its own refresh tokens by their bytes, and no other text', () => {
    const { token } = signer.signRefreshToken(SESSION, SECRET);
    expect(signer.recognizeRefreshToken(token)).toMatchObject({ sid: SESSION.id, gen: 4, sec: SECRET });
    const [header = '', payload = '', signature = ''] = token.split('.');
    const last = signature.at(-1) ?? '';
    const sameBytes = signature.slice(0, -1) + String.fromCharCode(last.charCodeAt(0) + 1);
    const odd = [
      '',
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${token}.`,
      `${header}.${payload}.${sameBytes}`,
      `${header}.${payload}.${signature.slice(0, -1)}`,
      `${header}.${signature}.${signature}`,
      `${token}${'A'.repeat(10_000)}`,
      signer.signAccessToken(USER, SESSION).token,
      signerOf(ISSUER, T0, {
        keys: { access: [ACCESS_KEY], refresh: [REFRESH_KEY.toLowerCase()] },
      }).signRefreshToken(SESSION, SECRET).token,
    ];
    for (const each of odd)
      expect([signer.recognizeRefreshToken(each), signer.verifyRefreshToken(each)]).toEqual([null, null]);
  });

  it.each([
    ['iss', 'https://other.example.com'],
    ['aud', ISSUER],
    ['sec', 'short'],
    ['nbf', T0 / 1000 + 3600],
  ])('recognises no refresh token with a malformed %s', (claim, value) => {
    const { token } = signer.signRefreshToken(SESSION, SECRET);
    const odd = resign(token, REFRESH_KEY, { claims: { [claim]: value } });
    expect(signer.recognizeRefreshToken(resign(token, REFRESH_KEY, {}))).not.toBeNull();
    expect(signer.recognizeRefreshToken(odd)).toBeNull();
  });

  it('leaves tokens with another header or of a key pair to the library', () => {
    const { token } = signer.signRefreshToken(SESSION, SECRET);
    const other = resign(token, REFRESH_KEY, { header: { cty: 'none' } });
    expect([signer.recognizeRefreshToken(other), signer.verifyRefreshToken(other)?.sid]).toEqual([
      null,
      SESSION.id,
    ]);
    const { privateKey } = generateKeyPairSync('ec', {
      namedCurve: 'P-256',
      privateKeyEncoding: { format: 'jwk' },
    } as never);
    const key = { ...(privateKey as unknown as object), kid: 'pair', alg: 'ES256' } as never;
    const byPair = signerOf(ISSUER, T0, { keys: { access: [ACCESS_KEY], refresh: [key] } });
    const signed = byPair.signRefreshToken(SESSION, SECRET).token;
    expect([byPair.recognizeRefreshToken(signed), byPair.verifyRefreshToken(signed)?.sid]).toEqual([
      null,
      SESSION.id,
    ]);
  });

  it('names the key of a bound session, in access tokens only if that is configured', () => {
    const bound = { ...SESSION, jkt: 'k'.repeat(43) };
    const cnf = { jkt: bound.jkt };
    const binding = signerOf(ISSUER, T0, { accessToken: { senderConstraint: 'on' } });
    expect(signer.verifyRefreshToken(signer.signRefreshToken(bound, SECRET).token)).toMatchObject({ cnf });
    expect(signer.verifyAccessToken(signer.signAccessToken(USER, bound).token)).not.toHaveProperty('cnf');
    const access = binding.signAccessToken(USER, bound);
    expect(access.scheme).toBe('DPoP');
    expect(binding.verifyAccessToken(access.token)).toMatchObject({ cnf });
    expect(binding.signAccessToken(USER, SESSION).scheme).toBe('Bearer');
  });

  it('accepts no token of another issuer that shares its keys and its audience', () => {
    const other = signerOf('https://other.example.com');
    expect(signer.verifyAccessToken(other.signAccessToken(USER, SESSION).token)).toBeNull();
    expect(signer.verifyRefreshToken(other.signRefreshToken(SESSION, SECRET).token)).toBeNull();
  });

  it.each(['iss', 'aud'])('accepts no token in which only the %s differs', (claim) => {
    const change = { claims: { [claim]: 'https://other.example.com' } };
    const access = resign(signer.signAccessToken(USER, SESSION).token, ACCESS_KEY, change);
    const refresh = resign(signer.signRefreshToken(SESSION, SECRET).token, REFRESH_KEY, change);
    expect([signer.verifyAccessToken(access), signer.verifyRefreshToken(refresh)]).toEqual([null, null]);
  });

  it('signs with a key pair as well, and accepts nothing signed by another key with the same id', () => {
    const pair = () => {
      const { privateKey } = generateKeyPairSync('ec', {
        namedCurve: 'P-256',
        privateKeyEncoding: { format: 'jwk' },
      } as never);
      return { ...(privateKey as unknown as object), kid: 'pair', alg: 'ES256' } as never;
    };
    const [own, other] = [pair(), pair()].map((key) =>
      signerOf(ISSUER, T0, { keys: { access: [key], refresh: [REFRESH_KEY] } }),
    ) as [TokenSigner, TokenSigner];
    const { token } = own.signAccessToken(USER, SESSION);
    expect(headerOf(token)).toEqual({ alg: 'ES256', typ: 'at+jwt', kid: 'pair' });
    expect(own.verifyAccessToken(token)).toMatchObject({ sub: USER.id, roles: ['user'] });
    expect([other.verifyAccessToken(token), signer.verifyAccessToken(token)]).toEqual([null, null]);
  });

  it('gives access tokens of an application their configured lifetime', () => {
    const of = (appId: string | null) =>
      signer.signAccessToken(USER, { ...SESSION, device: { ...SESSION.device, appId } }).expiresIn;
    expect([of('kiosk'), of('shop'), of(null)]).toEqual([60, 900, 900]);
  });

  it('says how many seconds are left, never a negative number', () => {
    const leftAt = (nowMs: number) => {
      const late = signerOf(ISSUER, nowMs);
      return [late.signAccessToken(USER, SESSION), late.signRefreshToken(SESSION, SECRET)].map(
        ({ expiresIn }) => expiresIn,
      );
    };
    expect(leftAt(T0)).toEqual([900, 3600]);
    expect(leftAt(T0 + 59 * MINUTE_MS)).toEqual([60, 60]);
    expect(leftAt(T0 + 60 * MINUTE_MS)).toEqual([0, 0]);
    expect(leftAt(T0 + 61 * MINUTE_MS)).toEqual([0, 0]);
  });
});
