import { describe, expect, it, test } from '@jest/globals';
import { isRoutine, securityEvent } from '../../src/audit/security-event.js';
import { AUTH_EVENT_NAMES, type AuthEventName, type AuthEvents } from '../../src/core/events.js';

const SOURCE = { ip: '203.0.113.9', userAgent: 'curl/8' };
const SESSION = { userId: 'u', sessionId: 's' };
const LOCKED = { userId: null, reason: 'failure_limit' as const, source: SOURCE };
const AT = new Date('2026-01-01T00:00:00Z');
const row = <Name extends AuthEventName>(name: Name, payload: AuthEvents[Name]) =>
  securityEvent('id', AT, name, payload);

describe(securityEvent, () => {
  it('records who, when and from where, and omits what is unknown', () => {
    const payload = {
      ...SESSION,
      device: { appId: 'shop', deviceId: null, deviceName: 'Phone' },
      amr: ['pwd'],
      source: SOURCE,
    };
    expect(row('user.logged_in', payload)).toEqual({
      id: 'id',
      at: AT,
      type: 'user.logged_in',
      ...SESSION,
      ...SOURCE,
      device: { appId: 'shop', deviceName: 'Phone' },
      evidence: { amr: ['pwd'] },
    });
    const nowhere = { by: null, source: null };
    expect(row('user.disabled', { userId: 'u', ...nowhere })).not.toHaveProperty('by');
    expect(row('user.registered', { userId: 'u', source: { ip: '', userAgent: null } })).toEqual({
      id: 'id',
      at: AT,
      type: 'user.registered',
      userId: 'u',
    });
  });

  it('records both sides and the reason of a theft', () => {
    const lastUse = { ip: '192.0.2.1', userAgent: 'thief', at: AT };
    const theft = row('refresh_token.reuse_detected', {
      ...SESSION,
      generation: 3,
      presentedGeneration: 1,
      evidence: 'successor_confirmed',
      revoked: true,
      scope: 'session',
      affectedSessionIds: ['s'],
      replacedAt: AT,
      confirmedAt: AT,
      source: SOURCE,
      lastUse,
    });
    expect(theft).toMatchObject({ ...SESSION, ...SOURCE, reason: 'successor_confirmed' });
    expect(theft.evidence).toMatchObject({ generation: 3, presentedGeneration: 1, revoked: true, lastUse });
  });

  it('names the service that revoked a session, and the client whose secret was guessed at', () => {
    const session = { userId: 'u', sessionId: 's', source: SOURCE };
    const revoked = row('session.revoked', { ...session, reason: 'revoked_by_client', clientId: 'gateway' });
    expect(revoked).toMatchObject({ reason: 'revoked_by_client', evidence: { clientId: 'gateway' } });
    const guessed = row('client.refused', { clientId: 'gateway', reason: 'wrong_secret', source: SOURCE });
    expect(guessed).toMatchObject({ reason: 'wrong_secret', evidence: { clientId: 'gateway' }, ...SOURCE });
    expect(
      row('client.refused', { clientId: null, reason: 'unknown_client', source: SOURCE }),
    ).not.toHaveProperty('evidence');
  });

  it('names the administrator and the affected user', () => {
    const acted = row('user.disabled', { userId: 'u', by: 'admin', source: SOURCE });
    expect(acted).toMatchObject({ userId: 'u', by: 'admin', ...SOURCE });
  });

  it('stores nothing of what was typed as the address at a failed login: it may be a password', () => {
    const failed = {
      email: 'my-secret-Passw0rd',
      userId: null,
      reason: 'unknown_user' as const,
      source: SOURCE,
    };
    expect(JSON.stringify(row('login.failed', failed))).not.toContain('Passw0rd');
    expect(JSON.stringify(row('login.locked', { ...LOCKED, email: 'Passw0rd' }))).not.toContain('Passw0rd');
    const locked = row('login.locked', { ...LOCKED, userId: 'u', email: 'ada@example.com' });
    expect(locked).toMatchObject({ userId: 'u' });
    expect(locked.evidence).toBeUndefined();
  });

  test('only rotations, races of tabs and floods are routine', () => {
    const routine = AUTH_EVENT_NAMES.filter((type) => isRoutine({ type, reason: 'failure_limit' }));
    expect(routine).toEqual([
      'access.denied',
      'refresh_token.rotated',
      'refresh_token.replayed',
      'refresh_token.superseded',
      'refresh_token.contested',
      'refresh_token.refused',
      'refresh_token.proof_failed',
    ]);
    for (const reason of ['login_limit', 'refresh_limit'])
      expect(isRoutine({ type: 'login.locked', reason })).toBe(true);
    expect(isRoutine({ type: 'client.refused', reason: 'client_limit' })).toBe(true);
    expect(AUTH_EVENT_NAMES.length).toBeGreaterThan(15);
  });
});
