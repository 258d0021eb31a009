import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  ACCESS_TOKEN_TYPE,
  type AccessTokenClaims,
  accessTokenTimes,
  parseAccessTokenClaims,
} from '../../src/core/access-token.js';
import { REFRESH_TOKEN_TYPE } from '../../src/core/refresh-token.js';

const CLAIMS: AccessTokenClaims = {
  iss: 'https://issuer.example.com',
  aud: 'https://api.example.com',
  sub: '65b000000000000000000001',
  client_id: 'https://api.example.com',
  iat: 1_767_225_600,
  exp: 1_767_226_500,
  jti: 'a1b2c3',
  sid: '65a000000000000000000001',
  gen: 0,
  ver: 'version-1',
  roles: ['user'],
};
const NO_TEXT = [undefined, null, '', 0, 1, true, [], ['x'], {}, { $gt: '' }];
const NO_INTEGER = [undefined, null, '1', 1.5, -1, NaN, Infinity, 2 ** 53, true, [], [1], {}, { $gt: 0 }];
const NO_SESSION_ID = [
  ...NO_TEXT,
  'x',
  '65a00000000000000000001',
  '65a0000000000000000000011',
  '65A000000000000000000001',
  '65a00000000000000000000g',
  ' 65a000000000000000000001',
  '65a000000000000000000001\n',
];
const NO_TEXTS = [
  undefined,
  null,
  'admin',
  1,
  {},
  [1],
  ['user', null],
  [['admin']],
  [{}],
  { 0: 'admin', length: 1 },
];

/** No confirmation of a key (RFC 9449 §6.1); an absent one is fine. */
const NO_KEY = [
  null,
  '',
  'jkt',
  1,
  true,
  [],
  {},
  { jkt: null },
  { jkt: ['x'] },
  { jkt: 'short' },
  { jkt: `${'x'.repeat(42)}=` },
];

const ODD: Record<Exclude<keyof AccessTokenClaims, 'custom'>, readonly unknown[]> = {
  iss: NO_TEXT,
  // An array of audiences is legal in a JWT (RFC 7519 §4.1.3), but our tokens never have one.
  aud: NO_TEXT,
  sub: NO_TEXT,
  client_id: NO_TEXT,
  iat: NO_INTEGER,
  exp: NO_INTEGER,
  jti: NO_TEXT,
  sid: NO_SESSION_ID,
  gen: NO_INTEGER,
  ver: NO_TEXT,
  roles: NO_TEXTS,
  rol: [null, '', 1, true, [], {}],
  cnf: NO_KEY,
  relay: [null, false, 1, 'true', [], {}],
  auth_time: NO_INTEGER.filter((value) => value !== undefined),
  amr: NO_TEXTS.filter((value) => value !== undefined),
  act: [
    null,
    '',
    'admin',
    1,
    true,
    [],
    {},
    { sub: null },
    { sub: '' },
    { sub: ['x'] },
    { sub: 'x', rol: 1 },
    { sub: 'x', rol: '' },
  ],
};

describe('the typ of an access token', () => {
  it('is that of RFC 9068, and not that of a refresh token (A1, J7)', () => {
    expect(ACCESS_TOKEN_TYPE).toBe('at+jwt');
    expect(ACCESS_TOKEN_TYPE).not.toBe(REFRESH_TOKEN_TYPE);
  });
});

describe(parseAccessTokenClaims.name, () => {
  it('reads the claims of RFC 9068 and our own, and treats all others as the host’s (A2)', () => {
    expect(parseAccessTokenClaims(CLAIMS)).toEqual(CLAIMS);
    expect(parseAccessTokenClaims({ ...CLAIMS, tenantId: 't', custom: 1 })).toEqual({
      ...CLAIMS,
      custom: { tenantId: 't', custom: 1 },
    });
    const later = { auth_time: 1767225600, amr: ['pwd', 'otp'], act: { sub: 'admin-1' } };
    expect(parseAccessTokenClaims({ ...CLAIMS, ...later })).toEqual({ ...CLAIMS, ...later });
    expect(parseAccessTokenClaims({ ...CLAIMS, relay: true })).toEqual({ ...CLAIMS, relay: true });
    expect(parseAccessTokenClaims({ ...CLAIMS, roles: [] })).toEqual({ ...CLAIMS, roles: [] });
  });

  it.each(Object.keys(CLAIMS) as (keyof AccessTokenClaims)[])(
    'a missing %s makes the token invalid',
    (name) => {
      const { [name]: _missing, ...rest } = CLAIMS;
      expect(parseAccessTokenClaims(rest)).toBeNull();
    },
  );

  it.each(Object.entries(ODD))('a malformed %s makes the token invalid, never a crash', (name, values) => {
    for (const value of values)
      expect({ value, claims: parseAccessTokenClaims({ ...CLAIMS, [name]: value }) }).toEqual({
        value,
        claims: null,
      });
  });

  it('reads own claims only: a payload cannot inherit them through __proto__', () => {
    expect(parseAccessTokenClaims(JSON.parse(`{"__proto__":${JSON.stringify(CLAIMS)}}`))).toBeNull();
    expect(parseAccessTokenClaims(Object.create(CLAIMS))).toBeNull();
    const { roles: _roles, ...withoutRoles } = CLAIMS;
    const payload = JSON.stringify(withoutRoles).replace('{', '{"__proto__":{"roles":["admin"]},');
    expect(parseAccessTokenClaims(JSON.parse(payload))).toBeNull();
  });

  it.each([[null], [undefined], ['{}'], [7], [true], [[]], [[CLAIMS]], [() => CLAIMS]])(
    'a payload that is %p has no claims',
    (payload) => {
      expect(parseAccessTokenClaims(payload)).toBeNull();
    },
  );

  it('a refresh token’s claims are not an access token’s (J7)', () => {
    const { client_id: _client, ver: _version, roles: _roles, ...shared } = CLAIMS;
    const refresh = { ...shared, abs: CLAIMS.exp, trn: 'cookie', sec: 'A'.repeat(43) };
    expect(parseAccessTokenClaims(refresh)).toBeNull();
  });
});

describe(accessTokenTimes.name, () => {
  const T0 = Date.parse('2026-01-01T00:00:00.000Z');
  const DAY_MS = 86_400_000;

  it('starts in the second it was issued and lasts for its lifetime', () => {
    expect(accessTokenTimes(T0 + 999, 900_000, T0 + DAY_MS)).toEqual({
      iat: T0 / 1000,
      exp: T0 / 1000 + 900,
    });
  });

  it('ends with a session that ends earlier', () => {
    expect(accessTokenTimes(T0, 900_000, T0 + 60_000).exp).toBe(T0 / 1000 + 60);
  });

  it('ends before, not after, a session that ends within the same second', () => {
    expect(accessTokenTimes(T0, 900_000, T0 + 60_999).exp).toBe(T0 / 1000 + 60);
  });

  it('for any times, never outlives its session or its own lifetime, and never ends before it starts', () => {
    fc.assert(
      fc.property(
        fc.nat(4 * DAY_MS),
        fc.integer({ min: 1, max: 86_400 }),
        fc.integer({ min: 1, max: 30 * DAY_MS }),
        (offset, ttlSeconds, sessionLeftMs) => {
          const now = T0 + offset;
          const { iat, exp } = accessTokenTimes(now, ttlSeconds * 1000, now + sessionLeftMs);
          expect(Number.isInteger(iat) && Number.isInteger(exp)).toBe(true);
          expect(iat * 1000).toBeLessThanOrEqual(now);
          expect(exp).toBeGreaterThanOrEqual(iat);
          expect(exp * 1000).toBeLessThanOrEqual(now + sessionLeftMs);
          expect(exp - iat).toBeLessThanOrEqual(ttlSeconds);
        },
      ),
    );
  });

  it('is expired from the start in a session that has ended', () => {
    const { iat, exp } = accessTokenTimes(T0, 900_000, T0 - 5_000);
    expect(exp - iat).toBe(0);
  });
});
