import { describe, expect, it } from '@jest/globals';
import { JwtService } from '@nestjs/jwt';
import { AuthError } from '../../src/core/errors.js';
import { MAX_TOKEN_LENGTH } from '../../src/core/limits.js';
import type { UserRecord } from '../../src/core/ports.js';
import type { RefreshSession } from '../../src/core/refresh-token.store.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { KeyRing } from '../../src/tokens/keys/key-ring.js';
import { type AccessTokenTraits, TokenSigner } from '../../src/tokens/token-signer.js';
import { claimsOf } from '../support/tokens.js';

const T0 = Date.parse('2026-01-01T00:00:00Z');
const OPTIONS = resolveOptions({
  issuer: 'https://issuer.example.com',
  keys: { access: ['TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d'], refresh: ['nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk'] },
});
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
  createdAt: new Date(T0 - 90_500),
  expiresAt: new Date(T0 + 3_600_000),
  jkt: null,
  device: { appId: null },
} as RefreshSession;

const clock = { now: () => T0 };
const signer = new TokenSigner(
  OPTIONS,
  clock,
  new KeyRing(OPTIONS, new AuthEventBus(null)),
  new JwtService({}),
);
const mint = (session: Partial<RefreshSession> = {}, traits: AccessTokenTraits = {}, user = USER) =>
  claimsOf(signer.signAccessToken(user, { ...SESSION, ...session }, traits).token);

function refusedDetail(work: () => unknown): string {
  try {
    work();
  } catch (error) {
    if (error instanceof AuthError && error.code === 'INTERNAL') return error.detail ?? '';
    throw error;
  }
  throw new Error('it was not refused');
}

describe('the claims of an access token', () => {
  it('contain when the user last authenticated, in whole seconds', () => {
    expect(mint().auth_time).toBe(Math.floor((T0 - 90_500) / 1000));
    expect(mint({ authTime: new Date(T0 - 1) }).auth_time).toBe(T0 / 1000 - 1);
  });

  it('contain the method, if it is known', () => {
    expect(mint({ amr: ['pwd', 'otp'] }).amr).toEqual(['pwd', 'otp']);
    for (const amr of [[], undefined]) expect(mint({ amr })).not.toHaveProperty('amr');
  });

  it('name an actor or a relay only if there is one', () => {
    expect(mint({}, { actor: { id: 'admin-1' }, isRelay: true })).toMatchObject({
      sub: 'user-1',
      act: { sub: 'admin-1' },
      relay: true,
    });
    expect(mint({}, { actor: { id: 'admin-1', rolesVersion: 'r' } }).act).toEqual({
      sub: 'admin-1',
      rol: 'r',
    });
    // These would describe the owner of the session, who is not the user of the token.
    for (const name of ['auth_time', 'amr'])
      expect(mint({ amr: ['pwd'] }, { actor: { id: 'admin-1' } })).not.toHaveProperty(name);
    for (const name of ['act', 'relay']) expect(mint()).not.toHaveProperty(name);
  });

  it('of the host are added to those of the library, and never replace them', () => {
    const custom = { tenant: 't-1', sub: 'admin', roles: ['admin'], auth_time: 0 };
    expect(mint({}, { custom })).toMatchObject({ tenant: 't-1', sub: 'user-1', roles: ['user'] });
    expect(mint({}, { custom }).auth_time).toBe(mint().auth_time);
  });
});

describe('a token that the guards would refuse is never issued', () => {
  it('of a damaged user record of the host’s store', () => {
    const damaged = { ...USER, roles: 'admin' } as unknown as UserRecord;
    expect(refusedDetail(() => mint({}, {}, damaged))).toContain('the user store returned user user-1: ');
  });

  it('with a claim that cannot be read', () => {
    const detail = refusedDetail(() => mint({ id: 'no session id' }));
    expect(detail).toContain('the claim sid of an access token for user user-1');
  });

  it('that is too long: the log says which parts make it so', () => {
    const roles = Array.from({ length: 50 }, (_, index) => `role-${index}`);
    const custom = { list: 'x'.repeat(MAX_TOKEN_LENGTH) };
    const detail = refusedDetail(() => mint({}, { custom }, { ...USER, roles }));
    expect(detail).toMatch(/for user user-1 would have \d+ characters, more than \d+/);
    expect(detail).toContain(`50 roles take ${JSON.stringify(roles).length} bytes`);
    expect(detail).toContain(`accessToken.claims ${JSON.stringify(custom).length};`);
    const many = { ...USER, roles: Array.from({ length: 5000 }, (_, index) => `role-${index}`) };
    expect(refusedDetail(() => mint({}, {}, many))).toContain('accessToken.claims 2;');
  });
});
