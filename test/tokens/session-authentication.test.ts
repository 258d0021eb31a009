import { beforeEach, describe, expect, it } from '@jest/globals';
import type { CustomClaims } from '../../src/core/custom-claims.js';
import { AuthError } from '../../src/core/errors.js';
import type { UserRecord, UserStore } from '../../src/core/ports.js';
import type { RefreshSession } from '../../src/core/refresh-token.store.js';
import { at, newSession } from '../../src/testing/conformance/sample-sessions.js';
import type { AuthenticatedUser } from '../../src/tokens/access-token.authenticator.js';
import type { ClientTraits } from '../../src/tokens/client-traits.js';
import type { HostClaims } from '../../src/tokens/host-claims.js';
import type { Possession } from '../../src/tokens/possession.js';
import { SessionAuthentication } from '../../src/tokens/session-authentication.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';

const USER: UserRecord = {
  id: 'u',
  email: 'user@example.com',
  roles: ['user'],
  passwordHash: '',
  tokenVersion: 'v',
  disabledAt: null,
  createdAt: at(0),
};
const CLIENT: ClientTraits = {
  ip: '192.0.2.1',
  userAgent: 'test',
  proof: () => ({ outcome: 'failed' }) as never,
};

let now: number;
let store: InMemoryRefreshTokenStore;
let session: RefreshSession;
let users: UserRecord[];
/** The calls to the proof of possession. */
let asked: unknown[][];
let refusal: AuthError | null;
let prepared: { session: RefreshSession; custom: CustomClaims }[];
let authentication: SessionAuthentication;

beforeEach(async () => {
  now = at(500).getTime();
  store = new InMemoryRefreshTokenStore();
  session = newSession(store, { generation: 7 });
  await store.create(session);
  users = [USER];
  asked = [];
  refusal = null;
  prepared = [];
  authentication = new SessionAuthentication(
    store,
    { findById: async (id: string) => users.find((user) => user.id === id) ?? null } as unknown as UserStore,
    { now: () => now },
    {
      assertHolder: (...given: unknown[]) => {
        asked.push(given);
        if (refusal) throw refusal;
      },
    } as unknown as Possession,
    {
      prepare: async (_user: UserRecord, next: RefreshSession) => {
        const custom = { tenant: 't1' };
        prepared.push({ session: next, custom });
        return custom;
      },
    } as unknown as HostClaims,
  );
});

const owner = (over: Partial<AuthenticatedUser> = {}): AuthenticatedUser => ({
  id: USER.id,
  roles: USER.roles,
  session: { id: session.id, generation: 5 },
  claims: {},
  ...over,
});
const find = (over: Partial<AuthenticatedUser> = {}) => authentication.find(owner(over), CLIENT);
const change = (over: Partial<RefreshSession>) => store.create({ ...session, ...over });
const REVOKED = { code: 'ACCESS_TOKEN_REVOKED' };

describe('the session of a request', () => {
  it('is returned with its user, as the stores have them', async () => {
    expect(await find()).toEqual({ user: USER, session });
  });

  it('is refused to an actor', async () => {
    await expect(find({ actor: { id: 'admin-1' } })).rejects.toMatchObject({ code: 'FORBIDDEN' });
    expect(asked).toEqual([]);
  });

  it.each<[string, () => unknown]>([
    ['there is none', () => store.removeOfUser(USER.id)],
    ['it is revoked', () => store.revoke([session.id], 'logged_out', at(1))],
    ['it expires now', () => (now = session.expiresAt.getTime())],
    ['it belongs to another user', () => change({ userId: 'another' })],
    ['the user is gone', () => (users = [])],
    ['the user is disabled', () => (users = [{ ...USER, disabledAt: at(1) }])],
    ['the user has changed their password since', () => (users = [{ ...USER, tokenVersion: 'w' }])],
  ])('is refused as revoked if %s', async (_why, end) => {
    await end();
    await expect(find()).rejects.toMatchObject(REVOKED);
    expect(asked).toEqual([]);
  });

  it('lives until the last moment before it expires', async () => {
    now = session.expiresAt.getTime() - 1;
    expect(await find()).toMatchObject({ session: { id: session.id } });
  });

  it('that is bound to a key needs a proof of it', async () => {
    await change({ jkt: 'k'.repeat(43) });
    await find();
    const holder = { userId: USER.id, sessionId: session.id, jkt: 'k'.repeat(43) };
    expect(asked).toEqual([[holder, CLIENT.proof, { ip: '192.0.2.1', userAgent: 'test' }]]);
    refusal = new AuthError('PROOF_REQUIRED');
    await expect(find()).rejects.toBe(refusal);
  });
});

describe('a user who has authenticated again', () => {
  const record = (of: Partial<AuthenticatedUser['session']> = {}) =>
    authentication.record({ user: USER, session }, { id: session.id, generation: 5, ...of }, ['pwd', 'otp']);
  const PROVED = { authTime: at(500), amr: ['pwd', 'otp'] };

  it('is recorded in the session, whose refresh token stays', async () => {
    await record();
    expect(await store.findById(session.id)).toEqual({ ...session, ...PROVED });
  });

  it("gets access tokens of the request's generation, with the claims of the host", async () => {
    const next = { ...session, ...PROVED, generation: 5 };
    expect(await record()).toEqual({ user: USER, session: next, isRelay: false, custom: { tenant: 't1' } });
    expect(prepared.map((each) => each.session)).toEqual([next]);
  });

  it('gets a relay token if the request came from a relay', async () => {
    expect(await record({ isRelay: true })).toMatchObject({ isRelay: true });
  });

  it('gets none if the session has ended in the meantime', async () => {
    await store.revoke([session.id], 'logged_out', at(1));
    await expect(record()).rejects.toMatchObject(REVOKED);
  });
});
