import { describe, expect, it } from '@jest/globals';
import type { AuthEvents } from '../../src/core/events.js';
import { noticeKey, NOTICES, silenceMs } from '../../src/notifications/notices.js';

const source = { ip: '192.0.2.1', userAgent: 'Browser/1' };
const about = { userId: 'u', sessionId: 's' };
const reuse = {
  ...about,
  generation: 3,
  presentedGeneration: 1,
  replacedAt: null,
  confirmedAt: null,
  source,
  evidence: 'successor_confirmed',
  revoked: true,
  scope: 'session',
  affectedSessionIds: ['s'],
  lastUse: null,
} as unknown as AuthEvents['refresh_token.reuse_detected'];
const suspected = { ...about, rule: 'unfamiliar_client', action: 'report', evidence: {}, source } as const;
const locked = { email: 'ada@example.com', userId: null, reason: 'failure_limit', source } as const;

describe('NOTICES', () => {
  it.each([
    [{}, 'session'],
    [{ scope: 'user' as const }, 'all_sessions'],
    [{ scope: 'user' as const, revoked: false }, 'nothing'],
  ])('for a reused token with %j, says that it ended %s', (change, ended) => {
    expect(NOTICES['refresh_token.reuse_detected']({ ...reuse, ...change })).toEqual({
      recipient: { userId: 'u' },
      event: {
        kind: 'suspicious_activity',
        cause: 'token_reused',
        rule: null,
        sessionId: 's',
        ended,
        source,
      },
    });
  });

  it.each([
    ['report', 'nothing'],
    ['revoke-session', 'session'],
    ['revoke-user', 'all_sessions'],
  ] as const)('for a suspicion under the policy %s, says that it ended %s', (action, ended) => {
    const { event } = NOTICES['activity.suspected']({ ...suspected, action }) ?? {};
    expect(event).toMatchObject({ cause: 'unusual_activity', rule: 'unfamiliar_client', ended });
  });

  it('for another browser, notifies only if it was refused', () => {
    expect(NOTICES['fingerprint.mismatched']({ ...about, refused: false, source })).toBeNull();
    expect(NOTICES['fingerprint.mismatched']({ ...about, refused: true, source })?.event).toMatchObject({
      cause: 'other_browser',
      ended: 'session',
    });
  });

  it('for guesses, notifies the owner of the typed address; for too many requests of an address, nobody', () => {
    expect(NOTICES['login.locked'](locked)?.recipient).toEqual({ email: 'ada@example.com' });
    expect(NOTICES['login.locked']({ ...locked, userId: 'u' })?.recipient).toEqual({ userId: 'u' });
    expect(NOTICES['login.locked']({ ...locked, reason: 'login_limit' })).toBeNull();
    expect(NOTICES['login.locked']({ ...locked, email: null })).toBeNull();
  });
});

describe(noticeKey.name, () => {
  it('distinguishes users, sessions and causes', () => {
    const notices = [
      NOTICES['activity.suspected'](suspected),
      NOTICES['activity.suspected']({ ...suspected, sessionId: 't' }),
      NOTICES['activity.suspected']({ ...suspected, userId: 'v' }),
      NOTICES['refresh_token.reuse_detected'](reuse),
      NOTICES['password.changed']({ userId: 'u', source }),
    ].filter((notice) => notice !== null);
    expect(new Set(notices.map(noticeKey)).size).toBe(5);
  });
});

describe(silenceMs.name, () => {
  it('is a day for guesses, which may go on for weeks, and an hour for other events', () => {
    expect(silenceMs(NOTICES['login.locked'](locked)!.event)).toBe(24 * 3_600_000);
    expect(silenceMs(NOTICES['activity.suspected'](suspected)!.event)).toBe(3_600_000);
  });

  it('is zero for password changes: the second change within an hour may not be the user’s', () => {
    for (const name of ['password.changed', 'password.reset'] as const)
      expect(silenceMs(NOTICES[name]({ userId: 'u', source })!.event)).toBe(0);
  });
});
