import { describe, expect, it } from '@jest/globals';
import type { RefreshActivity } from '../../src/core/anomaly.js';
import type { AuthOptions } from '../../src/options/auth-options.js';
import { ActivityReview } from '../../src/tokens/activity-review.js';
import { SessionAdmission } from '../../src/tokens/session-admission.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { CLIENT, RotationWorld } from '../support/rotation-world.js';

const SECOND = 1000;
const SOURCE = { ip: CLIENT.ip, userAgent: CLIENT.userAgent };

const newWorld = (options: Partial<AuthOptions> = {}) =>
  new RotationWorld(new InMemoryRefreshTokenStore(), options);
const refusal = (work: Promise<unknown>) => work.then(String, (error: unknown) => error);

describe(SessionAdmission.name, () => {
  it.each([
    ['a disabled user', 'user_disabled', false],
    ['a user who is gone', 'user_disabled', false],
    ['another token version', 'token_version_retired', true],
    ['revoked access tokens', 'revocation_completed', false],
  ] as const)('ends the session of %s, with the reason %s', async (what, reason, keepsCookie) => {
    const world = newWorld();
    const token = world.token(await world.login());
    if (!world.user) throw new Error('there is a user');
    if (what === 'a disabled user') world.user = { ...world.user, disabledAt: new Date(world.now) };
    if (what === 'a user who is gone') world.user = null;
    if (what === 'another token version') world.user = { ...world.user!, tokenVersion: 'v2' };
    if (what === 'revoked access tokens') world.revokedSessions.push(token.sid);
    const refused = await refusal(world.service.refresh(token, CLIENT));
    expect(refused).toMatchObject({ code: 'SESSION_REVOKED', keepsCookie });
    expect(world.events).toEqual([
      {
        name: 'refresh_token.refused',
        payload: {
          userId: 'user-1',
          sessionId: token.sid,
          presentedGeneration: 0,
          reason: 'session_revoked',
          revokedReason: reason,
          source: SOURCE,
        },
      },
      {
        name: 'session.revoked',
        payload: { userId: 'user-1', sessionId: token.sid, reason, source: SOURCE },
      },
    ]);
    expect((await world.store.findById(token.sid))?.revokedReason).toBe(reason);
  });

  it('ends the session for another browser, if that is enforced', async () => {
    const world = newWorld({ fingerprint: { mode: 'enforce' } });
    const token = world.token(await world.login());
    const other = { ...CLIENT, fingerprints: ['other'] };
    expect(await refusal(world.service.refresh(token, other))).toMatchObject({
      code: 'SUSPICIOUS_ACTIVITY',
      keepsCookie: false,
    });
    expect((await world.store.findById(token.sid))?.revokedReason).toBe('fingerprint_mismatched');
  });
});

describe(ActivityReview.name, () => {
  const suspecting = (action: 'report' | 'revoke-session' | 'revoke-user', kind = 'refresh') => {
    const activities: RefreshActivity[] = [];
    const examine = (activity: { kind: string }) => {
      activities.push(activity as RefreshActivity);
      return activity.kind === kind ? { odd: true } : null;
    };
    const world = newWorld({
      anomaly: { action, rules: [{ name: 'odd', examine }] },
      accessToken: { ttl: '10m', ttlByApp: { kiosk: '2m' } },
    });
    return { world, activities };
  };

  it('a suspicion is reported and the refresh answered, unless the policy says more', async () => {
    const { world } = suspecting('report');
    const token = world.token(await world.login());
    expect(typeof (await world.refresh(token))).toBe('object');
    expect(world.events).toContainEqual({
      name: 'activity.suspected',
      payload: {
        userId: 'user-1',
        sessionId: token.sid,
        rule: 'odd',
        evidence: { odd: true },
        action: 'report',
        source: SOURCE,
      },
    });
  });

  it.each([
    ['revoke-session', false],
    ['revoke-user', true],
  ] as const)('%s ends the session, and all of the user’s sessions: %s', async (action, endsAll) => {
    const { world } = suspecting(action);
    const [token, other] = [world.token(await world.login()), world.token(await world.login())];
    const refused = await refusal(world.service.refresh(token, CLIENT));
    expect(refused).toMatchObject({ code: 'SUSPICIOUS_ACTIVITY', keepsCookie: false });
    // This session ends last, so that a retry after a failure finds it again.
    expect(world.revokedSessions).toEqual(endsAll ? [other.sid, token.sid] : [token.sid]);
    expect((await world.store.findById(token.sid))?.revokedReason).toBe('suspicious_activity');
    const ended = world.events.filter(({ name }) => name === 'session.revoked');
    expect(ended.at(-1)).toMatchObject({ payload: { reason: 'suspicious_activity', source: SOURCE } });
  });

  it('a refused login ends its own session, and does not affect the cookie of another one', async () => {
    const { world } = suspecting('revoke-session', 'login');
    const trusted = { amr: ['pwd'], failedAttempts: 0, isTrustedDevice: true };
    if (!world.user) throw new Error('there is a user');
    const refused = await refusal(
      world.opener.openByLogin(world.user, { transport: 'cookie' }, CLIENT, trusted),
    );
    expect(refused).toMatchObject({ code: 'SUSPICIOUS_ACTIVITY', keepsCookie: true });
    expect(world.revokedSessions).toHaveLength(1);
  });

  it('passes the rules a use as sessions remember it, the number of rotations and the lifetime of the tokens', async () => {
    const { world, activities } = suspecting('report');
    const client = { ...CLIENT, userAgent: 'a'.repeat(256) };
    let token = world.token(await world.login(client));
    for (let rotation = 1; rotation <= 3; rotation += 1) {
      world.now += SECOND;
      const answer = await world.refresh(token, client);
      if (typeof answer === 'string') throw new Error(answer);
      token = world.token(answer);
    }
    expect(activities.at(-1)).toMatchObject({
      kind: 'refresh',
      userId: 'user-1',
      sessionId: token.sid,
      use: { ip: CLIENT.ip, userAgent: 'a'.repeat(128), at: new Date(world.now) },
      rotations: 2,
      accessTokenTtlMs: 600 * SECOND,
    });
    if (!world.user) throw new Error('there is a user');
    const kiosk = { transport: 'cookie', appId: 'kiosk' } as const;
    await world.refresh(world.token(await world.opener.open(world.user, kiosk, CLIENT, { amr: ['pwd'] })));
    expect(activities.at(-1)).toMatchObject({ accessTokenTtlMs: 120 * SECOND });
  });
});
