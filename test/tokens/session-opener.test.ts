import { describe, expect, it } from '@jest/globals';
import type { LoginActivity } from '../../src/core/anomaly.js';
import { hashSecret } from '../../src/core/successor-seal.js';
import type { AuthOptions } from '../../src/options/auth-options.js';
import type { ClientTraits } from '../../src/tokens/client-traits.js';
import type { ProofCheck } from '../../src/tokens/proof-verifier.js';
import { SessionOpener } from '../../src/tokens/session-opener.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const SECOND = 1000;
const DAY = 86_400 * SECOND;
const COOKIE = { transport: 'cookie' } as const;
const BY_PASSWORD = { amr: ['pwd'] };
const STRANGE = { failedAttempts: 0, isTrustedDevice: false, ...BY_PASSWORD };

const newWorld = (options: Partial<AuthOptions> = {}) =>
  new RotationWorld(new InMemoryRefreshTokenStore(), options);
const names = (world: RotationWorld) => world.events.map(({ name }) => name);

function ownerOf(world: RotationWorld) {
  if (!world.user) throw new Error('there is a user');
  return world.user;
}

const proving = (check: ProofCheck = { outcome: 'valid', jkt: 'key', id: 'p' }): ClientTraits => ({
  ...CLIENT,
  proof: () => check,
});
const refusedAs = (code: string) => expect.objectContaining({ code });

describe(SessionOpener.name, () => {
  it('begins a session with everything that it must store', async () => {
    const world = newWorld();
    const request = { ...COOKIE, appId: 'app', deviceId: 'phone', deviceName: 'Phone' };
    const client = { ...CLIENT, fingerprints: ['new key', 'old key'] };
    const { session, secret, user } = await world.opener.open(ownerOf(world), request, client, BY_PASSWORD);
    const now = new Date(world.now);
    expect(user).toBe(world.user);
    expect(Buffer.from(secret, 'base64url')).toHaveLength(32);
    expect(session).toMatchObject({
      userId: 'user-1',
      tokenVersion: 'v1',
      generation: 0,
      tokenHash: hashSecret(secret),
      predecessors: [],
      abandoned: [],
      rotatedAt: now,
      confirmedAt: null,
      createdAt: now,
      lastUsedAt: now,
      expiresAt: new Date(world.now + 7 * DAY),
      absoluteExpiresAt: new Date(world.now + 30 * DAY),
      transport: 'cookie',
      authTime: now,
      amr: ['pwd'],
      jkt: null,
      device: {
        appId: 'app',
        deviceId: 'phone',
        deviceName: 'Phone',
        userAgent: CLIENT.userAgent,
        ip: CLIENT.ip,
        fingerprint: 'new key',
      },
      recentUses: [{ ip: CLIENT.ip, userAgent: CLIENT.userAgent, at: now }],
      sharedUse: null,
      revokedAt: null,
      revokedReason: null,
    });
    expect(await world.store.findById(session.id)).toEqual(session);
  });

  it('stores about a device only what the client says', async () => {
    const world = newWorld();
    const { session } = await world.opener.open(
      ownerOf(world),
      COOKIE,
      { ...CLIENT, fingerprints: [] },
      BY_PASSWORD,
    );
    expect(session.device).toMatchObject({
      appId: null,
      deviceId: null,
      deviceName: null,
      fingerprint: null,
    });
  });

  it('ends at its absolute expiry, however long it may be idle', async () => {
    const world = newWorld({ refreshToken: { idleTtl: '2h', absoluteTtl: '1h' } });
    const { session } = await world.opener.open(ownerOf(world), COOKIE, CLIENT, BY_PASSWORD);
    expect(session.expiresAt).toEqual(session.absoluteExpiresAt);
  });

  it('accepts body transport only if the host allows it', () => {
    const body = { transport: 'body' } as const;
    const allowed = newWorld({ refreshToken: { allowBodyTransport: true } });
    expect(() => allowed.opener.assertAllowed(body, CLIENT)).not.toThrow();
    expect(() => newWorld().opener.assertAllowed(COOKIE, CLIENT)).not.toThrow();
    expect(() => newWorld().opener.assertAllowed(body, CLIENT)).toThrow(
      expect.objectContaining({
        code: 'VALIDATION_FAILED',
        fields: [{ field: 'transport', message: 'body transport is not allowed' }],
      }),
    );
  });

  it('refuses before it writes anything if a required proof is missing or a proof is wrong', () => {
    const required = newWorld({ refreshToken: { senderConstraint: 'required' } });
    expect(() => required.opener.assertAllowed(COOKIE, CLIENT)).toThrow(refusedAs('PROOF_REQUIRED'));
    expect(() => required.opener.assertAllowed(COOKIE, proving())).not.toThrow();
  });

  it('binds a session to the key of its client', async () => {
    const world = newWorld();
    expect((await world.opener.open(ownerOf(world), COOKIE, proving(), BY_PASSWORD)).session.jkt).toBe('key');
  });

  it('a session that replaces another keeps its key, and the request must prove that key', async () => {
    const world = newWorld();
    const { session } = await world.opener.open(ownerOf(world), COOKIE, proving(), BY_PASSWORD);
    expect(() => world.opener.assertReplaceable(session, CLIENT)).toThrow(refusedAs('PROOF_REQUIRED'));
    expect(world.events.at(-1)).toMatchObject({
      name: 'refresh_token.proof_failed',
      payload: { userId: 'user-1', sessionId: session.id, reason: 'proof_missing' },
    });
    expect(() => world.opener.assertReplaceable(session, proving())).not.toThrow();
    const next = await world.opener.open(ownerOf(world), COOKIE, CLIENT, {
      ...BY_PASSWORD,
      replaces: session,
    });
    expect(next.session.jkt).toBe('key');
    expect((await world.store.findById(session.id))?.revokedReason).toBe('replaced');
  });

  it('an unbound session is replaced without a proof, but not with a wrong one', async () => {
    const world = newWorld();
    const { session } = await world.login();
    expect(() => world.opener.assertReplaceable(session, CLIENT)).not.toThrow();
    const wrong = proving({ outcome: 'failed', reason: 'proof_signature' });
    expect(() => world.opener.assertReplaceable(session, wrong)).toThrow(refusedAs('PROOF_REQUIRED'));
  });

  it('without a login, neither rules nor devices are checked', async () => {
    const world = newWorld();
    await world.opener.open(ownerOf(world), COOKIE, CLIENT, BY_PASSWORD);
    await world.login();
    expect(names(world)).toEqual([]);
  });

  it('a login is judged against the live sessions, and its device reported unless it is trusted', async () => {
    const activities: LoginActivity[] = [];
    const examine = (activity: unknown) => (activities.push(activity as LoginActivity), null);
    const world = newWorld({ anomaly: { rules: [{ name: 'spy', examine }] } });
    await world.opener.openByLogin(ownerOf(world), { ...COOKIE, deviceId: 'first' }, CLIENT, STRANGE);
    world.now += DAY;
    const client = { ...CLIENT, ip: '203.0.113.66', userAgent: 'other' };
    const trusted = { failedAttempts: 3, isTrustedDevice: true, ...BY_PASSWORD };
    const { session } = await world.opener.openByLogin(ownerOf(world), COOKIE, client, trusted);
    expect(activities.at(-1)).toMatchObject({
      kind: 'login',
      userId: 'user-1',
      sessionId: session.id,
      use: { ip: client.ip, userAgent: 'other', at: session.createdAt },
      failedAttempts: 3,
    });
    expect(activities.at(-1)?.logins).toHaveLength(2);
    await new Promise(setImmediate);
    expect(names(world)).not.toContain('device.first_seen');
    await world.opener.openByLogin(ownerOf(world), COOKIE, { ...client, userAgent: 'third' }, STRANGE);
    await new Promise(setImmediate);
    expect(names(world)).toContain('device.first_seen');
  });
});
