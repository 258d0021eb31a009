import { beforeEach, describe, expect, it } from '@jest/globals';
import type { AccessTokenClaims } from '../../src/core/access-token.js';
import { AuthError } from '../../src/core/errors.js';
import type { RevocableToken, RevocationService } from '../../src/revocation/revocation.service.js';
import { AccessTokenAuthenticator, assertOwner } from '../../src/tokens/access-token.authenticator.js';
import type { GenerationConfirmer } from '../../src/tokens/generation-confirmer.js';

const T0 = Date.parse('2026-01-01T00:00:00.000Z');
const CLAIMS: AccessTokenClaims = {
  iss: 'https://issuer.example.com',
  aud: 'https://api.example.com',
  sub: 'user-1',
  client_id: 'https://api.example.com',
  iat: T0 / 1000,
  exp: T0 / 1000 + 900,
  jti: 'token-1',
  sid: '65a000000000000000000001',
  gen: 4,
  ver: 'version-1',
  roles: ['user', 'editor'],
};
/** As long as an HMAC-SHA256 signature: the cache looks tokens up by this end. */
const SIGNATURE = 's'.repeat(43);
const TOKEN = `header.payload.${SIGNATURE}`;

class Revocations {
  readonly revoked = new Set<string>();
  stale = false;

  isRevoked({ jti, sid, ver }: RevocableToken): boolean {
    if (this.stale) throw new AuthError('TEMPORARILY_UNAVAILABLE');
    return [jti, sid, ver].some((id) => this.revoked.has(id));
  }
}

let nowMs: number;
let revocations: Revocations;
let seen: [sessionId: string, generation: number][];
let authenticator: AccessTokenAuthenticator;

beforeEach(() => {
  nowMs = T0;
  revocations = new Revocations();
  seen = [];
  authenticator = new AccessTokenAuthenticator(
    revocations as unknown as RevocationService,
    { see: (...sighting: [string, number]) => void seen.push(sighting) } as unknown as GenerationConfirmer,
    { now: () => nowMs },
  );
});

function admitKnown(token: string): unknown {
  const claims = authenticator.recall(token);
  if (!claims) throw new Error('not known');
  return authenticator.admit(claims);
}

function codeOf(attempt: () => unknown): string {
  try {
    attempt();
  } catch (error) {
    if (error instanceof AuthError) return error.code;
    throw error;
  }
  return 'admitted';
}

describe(AccessTokenAuthenticator.name, () => {
  it('admits a live token as its user in its session, and reports the use as proof of receipt', () => {
    expect(authenticator.admit(CLAIMS)).toEqual({
      id: 'user-1',
      roles: ['user', 'editor'],
      session: { id: CLAIMS.sid, generation: 4 },
      claims: {},
    });
    expect(seen).toEqual([[CLAIMS.sid, 4]]);
  });

  it('returns how the user authenticated, who acts for them, and what the host added', () => {
    const claims = {
      auth_time: T0 / 1000 - 60,
      amr: ['pwd', 'otp'],
      act: { sub: 'admin-1' },
      custom: { tenant: 't1' },
    };
    expect(authenticator.admit({ ...CLAIMS, ...claims })).toEqual({
      id: 'user-1',
      roles: ['user', 'editor'],
      session: { id: CLAIMS.sid, generation: 4, authTime: new Date(T0 - 60_000), amr: ['pwd', 'otp'] },
      actor: { id: 'admin-1' },
      claims: { tenant: 't1' },
    });
  });

  it('the use of a relay token proves nothing about the browser', () => {
    expect(authenticator.admit({ ...CLAIMS, relay: true })).toMatchObject({ session: { isRelay: true } });
    expect(seen).toEqual([]);
  });

  it('waits for a clock that is being set, and then decides by it', async () => {
    const clock = { now: () => nowMs, settling: Promise.resolve().then(() => void (nowMs = T0 + 900_000)) };
    const late = new AccessTokenAuthenticator(
      revocations as unknown as RevocationService,
      { see: () => undefined } as unknown as GenerationConfirmer,
      clock,
    );
    await expect(late.admit(CLAIMS)).rejects.toMatchObject({ code: 'ACCESS_TOKEN_EXPIRED' });
    nowMs = T0;
    await expect(late.admit(CLAIMS)).resolves.toMatchObject({ id: 'user-1' });
  });

  it('the use of an actor’s token proves nothing about the user’s refresh token', () => {
    const claims = { ...CLAIMS, act: { sub: 'admin-1' } };
    expect(authenticator.admit(claims)).toMatchObject({ id: 'user-1', actor: { id: 'admin-1' } });
    expect(seen).toEqual([]);
  });

  it('recalls only tokens that were remembered', () => {
    expect(authenticator.recall(TOKEN)).toBeNull();
    expect(seen).toEqual([]);
  });

  it('recalls only the exact bytes: not a token with the same claims and another signature', () => {
    authenticator.remember(TOKEN, CLAIMS);
    expect(authenticator.recall(TOKEN)).toMatchObject({ sub: 'user-1' });
    for (const other of [`${TOKEN} `, 'header.payload.forged', 'header.payload.', TOKEN.toUpperCase(), ''])
      expect(authenticator.recall(other)).toBeNull();
  });

  it.each([
    ['another payload', `header.forged.${SIGNATURE}`],
    ['another header', `forged.payload.${SIGNATURE}`],
    ['no payload', `header..${SIGNATURE}`],
    ['nothing else', SIGNATURE],
  ])(
    'a known signature under %s is not recalled: the end matches, the beginning does not',
    (_head, forged) => {
      authenticator.remember(TOKEN, CLAIMS);
      expect(authenticator.recall(forged)).toBeNull();
      expect(seen).toEqual([]);
    },
  );

  describe.each([
    ['at first sight', () => authenticator.admit(CLAIMS)],
    ['once verified and remembered', () => admitKnown(TOKEN)],
  ])('%s', (_when, attempt) => {
    beforeEach(() => {
      authenticator.remember(TOKEN, CLAIMS);
    });

    it('a token expires at its exp, by the clock of the library', () => {
      nowMs = CLAIMS.exp * 1000 - 1;
      expect(codeOf(attempt)).toBe('admitted');
      nowMs = CLAIMS.exp * 1000;
      expect(codeOf(attempt)).toBe('ACCESS_TOKEN_EXPIRED');
    });

    it.each([
      ['the token', CLAIMS.jti],
      ['its session', CLAIMS.sid],
      ['the token version of its user', CLAIMS.ver],
    ])('revoking %s ends it at once', (_what, id) => {
      expect(codeOf(attempt)).toBe('admitted');
      revocations.revoked.add(id);
      expect(codeOf(attempt)).toBe('ACCESS_TOKEN_REVOKED');
    });

    it('refuses all tokens if the list of revocations is outdated (fail closed, ASVS 16.5.3)', () => {
      revocations.stale = true;
      expect(codeOf(attempt)).toBe('TEMPORARILY_UNAVAILABLE');
    });

    it('a refused token proves no receipt', () => {
      revocations.revoked.add(CLAIMS.sid);
      expect(codeOf(attempt)).toBe('ACCESS_TOKEN_REVOKED');
      revocations.stale = true;
      expect(codeOf(attempt)).toBe('TEMPORARILY_UNAVAILABLE');
      nowMs = CLAIMS.exp * 1000;
      expect(codeOf(attempt)).toBe('ACCESS_TOKEN_EXPIRED');
      expect(seen).toEqual([]);
    });

    it('reports every use, and leaves it to the confirmer which ones are new', () => {
      void attempt();
      void attempt();
      expect(seen).toEqual([
        [CLAIMS.sid, 4],
        [CLAIMS.sid, 4],
      ]);
    });
  });

  it('remembers several tokens, and forgets all of them after a change of keys', () => {
    const other = `header.payload.${'o'.repeat(43)}`;
    authenticator.remember(TOKEN, CLAIMS);
    authenticator.remember(other, { ...CLAIMS, sub: 'user-2' });
    expect(authenticator.recall(TOKEN)).toMatchObject({ sub: 'user-1' });
    expect(authenticator.recall(other)).toMatchObject({ sub: 'user-2' });
    authenticator.forgetAll();
    expect([authenticator.recall(TOKEN), authenticator.recall(other)]).toEqual([null, null]);
  });

  it('waits if the store must be read, and reports no use before that', async () => {
    const answers = [true, false];
    revocations.isRevoked = (() => Promise.resolve(answers.pop())) as never;
    const admission = authenticator.admit(CLAIMS);
    expect(admission).toBeInstanceOf(Promise);
    expect(seen).toEqual([]);
    expect(await admission).toMatchObject({ id: 'user-1' });
    await expect(authenticator.admit(CLAIMS)).rejects.toMatchObject({ code: 'ACCESS_TOKEN_REVOKED' });
    expect(seen).toEqual([[CLAIMS.sid, 4]]);
  });

  it('is bounded: a flood of tokens evicts the oldest, which are then verified again', () => {
    for (let index = 0; index <= 10_000; index++) authenticator.remember(`token-${index}`, CLAIMS);
    expect(authenticator.recall('token-0')).toBeNull();
    expect(authenticator.recall('token-10000')).toMatchObject({ sub: 'user-1' });
  });
});

describe('the user of a token', () => {
  it('has only what the token contains', () => {
    expect(authenticator.admit(CLAIMS)).toStrictEqual({
      id: 'user-1',
      roles: ['user', 'editor'],
      session: { id: CLAIMS.sid, generation: 4 },
      claims: {},
    });
  });

  it('has every optional field of a token', () => {
    const auth_time = T0 / 1000 - 60;
    const said = { auth_time, amr: ['pwd'], relay: true as const, act: { sub: 'admin-1' } };
    expect(authenticator.admit({ ...CLAIMS, ...said, custom: { tenant: 't' } })).toEqual({
      id: 'user-1',
      roles: ['user', 'editor'],
      session: {
        id: CLAIMS.sid,
        generation: 4,
        authTime: new Date(T0 - 60_000),
        amr: ['pwd'],
        isRelay: true,
      },
      actor: { id: 'admin-1' },
      claims: { tenant: 't' },
    });
    expect(seen).toEqual([]);
  });

  it('may do what only the user may; an actor may not', () => {
    expect(() => assertOwner({})).not.toThrow();
    const refused = expect.objectContaining({ code: 'FORBIDDEN', message: 'Only the user may do this.' });
    expect(() => assertOwner({ actor: { id: 'admin-1' } })).toThrow(refused);
  });
});
