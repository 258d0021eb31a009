import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import {
  absoluteExpiry,
  idleExpiry,
  parseRefreshTokenClaims,
  REFRESH_TOKEN_TYPE,
  refreshTokenAudience,
  type RefreshTokenClaims,
  refreshTokenClaims,
  type RefreshTokenSubject,
  TRANSPORTS,
} from '../../src/core/refresh-token.js';

const ISSUER = 'https://issuer.example.com';
const SECRET = Buffer.alloc(32, 7).toString('base64url');
const T0 = Date.parse('2026-01-01T00:00:00.000Z');
const HOUR_MS = 3_600_000;
const SUBJECT: RefreshTokenSubject = {
  sessionId: '65a000000000000000000001',
  userId: '65b000000000000000000001',
  generation: 3,
  rotatedAt: new Date(T0),
  expiresAt: new Date(T0 + HOUR_MS),
  absoluteExpiresAt: new Date(T0 + 24 * HOUR_MS),
  transport: 'cookie',
  jkt: null,
};
const CLAIMS: RefreshTokenClaims = {
  iss: ISSUER,
  aud: `${ISSUER}/refresh`,
  sub: SUBJECT.userId,
  sid: SUBJECT.sessionId,
  gen: 3,
  iat: T0 / 1000,
  exp: T0 / 1000 + 3600,
  abs: T0 / 1000 + 24 * 3600,
  jti: '65a000000000000000000001.3',
  trn: 'cookie',
  sec: SECRET,
};

const NO_TEXT = [undefined, null, '', 0, 1, true, [], ['x'], {}, { $gt: '' }];
const NO_INTEGER = [undefined, null, '1', 1.5, -1, NaN, Infinity, 2 ** 53, true, [], [1], {}, { $gt: 0 }];
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
const ODD: Record<keyof RefreshTokenClaims, readonly unknown[]> = {
  iss: NO_TEXT,
  aud: NO_TEXT,
  sub: NO_TEXT,
  sid: [...NO_TEXT, '65a00000000000000000001', '65A000000000000000000001', '65a000000000000000000001\n'],
  gen: NO_INTEGER,
  iat: NO_INTEGER,
  exp: NO_INTEGER,
  abs: NO_INTEGER,
  jti: NO_TEXT,
  trn: [...NO_TEXT, 'Cookie', 'header', 'toString'],
  sec: [
    ...NO_TEXT,
    SECRET.slice(1),
    `${SECRET}A`,
    `${SECRET.slice(1)}=`,
    `${SECRET.slice(1)}+`,
    `${SECRET}\n`,
  ],
  cnf: NO_KEY,
  rem: [null, true, 0, 'false', [], {}],
};

describe('a refresh token', () => {
  it('has a typ and an audience that no access token has (J6, J7, R3)', () => {
    expect(REFRESH_TOKEN_TYPE).toBe('rt+jwt');
    expect(refreshTokenAudience(ISSUER)).toBe(`${ISSUER}/refresh`);
    expect(refreshTokenAudience(ISSUER)).not.toBe(ISSUER);
  });

  it('has the same audience with and without a slash at the end of the issuer', () => {
    expect(refreshTokenAudience(`${ISSUER}/`)).toBe(refreshTokenAudience(ISSUER));
    expect(refreshTokenAudience(`${ISSUER}/tenant`)).toBe(`${ISSUER}/tenant/refresh`);
  });
});

describe(refreshTokenClaims.name, () => {
  it('states session, generation, both expiries, transport and secret', () => {
    expect(refreshTokenClaims(SUBJECT, SECRET, ISSUER)).toEqual(CLAIMS);
  });

  it('a replay returns the same claims: they depend on the session’s state, not on a clock', () => {
    expect(refreshTokenClaims({ ...SUBJECT }, SECRET, ISSUER)).toEqual(
      refreshTokenClaims(SUBJECT, SECRET, ISSUER),
    );
  });

  it('has the secret in no claim but its own, so jti may be logged', () => {
    const { sec, ...rest } = refreshTokenClaims(SUBJECT, SECRET, ISSUER);
    expect(sec).toBe(SECRET);
    expect(JSON.stringify(rest)).not.toContain(SECRET);
  });

  it.each(TRANSPORTS)('is read back unchanged (%s)', (transport) => {
    const claims = refreshTokenClaims({ ...SUBJECT, transport }, SECRET, ISSUER);
    expect(parseRefreshTokenClaims(JSON.parse(JSON.stringify(claims)))).toEqual(claims);
  });

  it('never outlives its session or the absolute expiry, and ends less than a second before them (B3)', () => {
    fc.assert(
      fc.property(
        fc.nat(100_000),
        fc.nat(48 * HOUR_MS),
        fc.nat(48 * HOUR_MS),
        (offset, idleMs, absoluteMs) => {
          const now = T0 + offset;
          const absoluteExpiresAt = absoluteExpiry(now, absoluteMs);
          const expiresAt = idleExpiry(now, idleMs, absoluteExpiresAt);
          const { exp, abs } = refreshTokenClaims(
            { ...SUBJECT, expiresAt, absoluteExpiresAt },
            SECRET,
            ISSUER,
          );
          expect(exp).toBeLessThanOrEqual(abs);
          expect(exp * 1000).toBeLessThanOrEqual(expiresAt.getTime());
          expect(exp * 1000).toBeGreaterThan(expiresAt.getTime() - 1000);
          expect(abs * 1000).toBe(absoluteExpiresAt.getTime());
        },
      ),
    );
  });
});

describe(parseRefreshTokenClaims.name, () => {
  it('reads the signed claims, and drops unknown ones', () => {
    expect(parseRefreshTokenClaims({ ...CLAIMS, roles: ['admin'] })).toEqual(CLAIMS);
  });

  it.each(Object.keys(CLAIMS) as (keyof RefreshTokenClaims)[])(
    'a missing %s makes the token invalid',
    (name) => {
      const { [name]: _missing, ...rest } = CLAIMS;
      expect(parseRefreshTokenClaims(rest)).toBeNull();
    },
  );

  it.each(Object.entries(ODD))('a malformed %s makes the token invalid, never a crash', (name, values) => {
    for (const value of values)
      expect({ value, claims: parseRefreshTokenClaims({ ...CLAIMS, [name]: value }) }).toEqual({
        value,
        claims: null,
      });
  });

  it('reads own claims only: a payload cannot inherit them through __proto__', () => {
    expect(parseRefreshTokenClaims(JSON.parse(`{"__proto__":${JSON.stringify(CLAIMS)}}`))).toBeNull();
    expect(parseRefreshTokenClaims(Object.create(CLAIMS))).toBeNull();
  });

  it.each([[null], [undefined], ['{}'], [7], [[]], [[CLAIMS]]])(
    'a payload that is %p has no claims',
    (payload) => {
      expect(parseRefreshTokenClaims(payload)).toBeNull();
    },
  );

  it('an access token’s claims are not a refresh token’s (J7)', () => {
    const { sec: _secret, abs: _abs, trn: _transport, ...shared } = CLAIMS;
    expect(parseRefreshTokenClaims({ ...shared, client_id: ISSUER, ver: 'v', roles: [] })).toBeNull();
  });
});

describe(idleExpiry.name, () => {
  it('extends the idle lifetime', () => {
    expect(idleExpiry(T0, HOUR_MS, SUBJECT.absoluteExpiresAt)).toEqual(new Date(T0 + HOUR_MS));
  });

  it('never exceeds the absolute expiry', () => {
    const late = T0 + 23.5 * HOUR_MS;
    expect(idleExpiry(late, HOUR_MS, SUBJECT.absoluteExpiresAt)).toEqual(SUBJECT.absoluteExpiresAt);
  });
});

describe(absoluteExpiry.name, () => {
  it('is a whole second, because the token’s abs is compared with it, and never shortens the lifetime', () => {
    expect(absoluteExpiry(T0, HOUR_MS)).toEqual(new Date(T0 + HOUR_MS));
    expect(absoluteExpiry(T0 + 1, HOUR_MS)).toEqual(new Date(T0 + HOUR_MS + 1000));
  });
});
