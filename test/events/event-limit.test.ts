import { beforeEach, describe, expect, it } from '@jest/globals';
import { AUTH_EVENT_NAMES, AUTH_EVENTS, type AuthEventName, type AuthEvents } from '../../src/core/events.js';
import { EventLimit } from '../../src/events/event-limit.js';

const MINUTE_MS = 60_000;
const from = (ip: string) => ({ ip, userAgent: null });
const address = (index: number) => `10.${index >> 16}.${(index >> 8) & 255}.${index & 255}`;

let nowMs: number;
let limit: EventLimit;
beforeEach(() => {
  nowMs = 0;
  limit = new EventLimit(() => nowMs);
});

/** How many of these events are written. */
function written<Name extends AuthEventName>(
  times: number,
  name: Name,
  payload: (index: number) => AuthEvents[Name],
): number {
  const admitted = Array.from({ length: times }, (_, index) => limit.admits(name, payload(index)));
  return admitted.filter(Boolean).length;
}

const locked = (ip: string, reason: AuthEvents['login.locked']['reason'] = 'login_limit') => ({
  email: null,
  userId: null,
  reason,
  source: from(ip),
});
const denied = (sessionId: string, handler: string, userId = 'u') => ({
  ...{ userId, sessionId, handler, requiredRoles: ['admin'] },
  source: from('192.0.2.1'),
});

describe(EventLimit.name, () => {
  it('lets one refusal of an address and reason be written in fifteen minutes', () => {
    expect(written(5000, 'login.locked', () => locked('192.0.2.1'))).toBe(1);
    expect(written(5000, 'login.locked', () => locked('192.0.2.1', 'refresh_limit'))).toBe(1);
    expect(written(5000, 'login.locked', () => locked('192.0.2.2'))).toBe(1);
    nowMs += 15 * MINUTE_MS;
    expect(written(5000, 'login.locked', () => locked('192.0.2.1'))).toBe(1);
  });

  it('treats an IPv6 network as one address', () => {
    expect(written(100, 'login.locked', (index) => locked(`2001:db8::${index.toString(16)}`))).toBe(1);
  });

  it('lets one denied request of a session and route be written', () => {
    expect(written(3000, 'access.denied', () => denied('s', 'events'))).toBe(1);
    expect(written(3000, 'access.denied', () => denied('s', 'users'))).toBe(1);
    expect(written(3000, 'access.denied', () => denied('t', 'events'))).toBe(1);
  });

  it('limits what a user causes with many sessions, without limiting others', () => {
    expect(written(3000, 'access.denied', (index) => denied(`s${index}`, 'events'))).toBe(100);
    expect(written(1, 'access.denied', () => denied('s', 'events', 'another'))).toBe(1);
  });

  it('lets the first failed logins be written', () => {
    const failed = {
      email: 'a@b.c',
      userId: 'u',
      reason: 'wrong_password' as const,
      source: from('192.0.2.1'),
    };
    expect(written(100, 'login.failed', () => failed)).toBe(20);
  });

  it('limits what attackers cause from many addresses', () => {
    expect(written(30_000, 'login.locked', (index) => locked(address(index)))).toBeLessThan(1000);
  });

  it('bounds everything that refusals and races emit', () => {
    const endless: AuthEventName[] = [
      'login.failed',
      'login.locked',
      'access.denied',
      'client.refused',
      'refresh_token.replayed',
      'refresh_token.recovered',
      'refresh_token.healed',
      'refresh_token.superseded',
      'refresh_token.contested',
      'refresh_token.displaced',
      'refresh_token.proof_failed',
      'refresh_token.restored',
      'refresh_token.reuse_detected',
      'refresh_token.refused',
      'activity.suspected',
      'password.reset_requested',
      'email.change_requested',
    ];
    expect(AUTH_EVENT_NAMES.filter((name) => AUTH_EVENTS[name].atMost !== undefined).sort()).toEqual(
      endless.sort(),
    );
  });

  it('lets everything else be written', () => {
    expect(written(500, 'user.registered', () => ({ userId: 'u', source: from('192.0.2.1') }))).toBe(500);
  });
});
