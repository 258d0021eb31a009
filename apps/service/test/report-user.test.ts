import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { AUTH_EVENT_NAMES } from '../../../src/index.js';
import { eventLines, eventWords } from '../pages/report/event-lines.js';
import { rolesOf, userIdOf } from '../pages/report/typed.js';
import { latestLock, type UserEvent } from '../pages/report/user-event.js';
import { moment } from '../pages/times.js';

let count = 0;
const event = (type: string, over: Partial<UserEvent> = {}): UserEvent => ({
  id: String(count++),
  at: '2026-03-01T12:00:05.000Z',
  type,
  ...over,
});

describe(userIdOf.name, () => {
  it('accepts everything that a user of the service can have, as it is pasted', () => {
    expect(userIdOf('0123456789abcdef01234567')).toBe('0123456789abcdef01234567');
    expect(userIdOf(' 0123456789ABCDEF01234567\n')).toBe('0123456789abcdef01234567');
  });

  it('accepts nothing else, and nothing that would lead to another route', () => {
    for (const text of [
      '',
      'ada@example.com',
      '0123456789abcdef0123456',
      '0123456789abcdef012345678',
      'x'.repeat(24),
    ])
      expect(userIdOf(text)).toBeNull();
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), (text) => {
        const id = userIdOf(text);
        expect(id === null || encodeURIComponent(id) === id).toBe(true);
      }),
    );
  });
});

describe(latestLock.name, () => {
  const now = Date.parse('2026-03-01T12:05:00Z');

  it('returns the newest of the last fifteen minutes', () => {
    const locked = event('login.locked');
    expect(latestLock([event('login.failed'), locked, event('login.locked')], now)).toBe(locked);
    expect(latestLock([event('login.locked', { at: '2026-03-01T11:49:00Z' })], now)).toBeNull();
    expect(latestLock([event('login.failed')], now)).toBeNull();
  });

  it('returns none after an administrator unlocked the account', () => {
    expect(latestLock([event('user.unlocked'), event('login.locked')], now)).toBeNull();
    expect(latestLock([event('login.locked'), event('user.unlocked')], now)).not.toBeNull();
  });
});

describe(rolesOf.name, () => {
  it('accepts roles as people type them', () => {
    expect(rolesOf(' admin, editor  admin,')).toEqual(['admin', 'editor']);
    expect(rolesOf('')).toEqual([]);
  });
});

describe(eventLines.name, () => {
  const guess = (over: Partial<UserEvent> = {}) =>
    event('login.failed', { reason: 'wrong_password', ip: '203.0.113.9', ...over });

  it('merges consecutive equal rows into one line, and no others', () => {
    const events = [guess(), guess(), guess({ ip: '203.0.113.10' }), event('user.logged_in'), guess()];
    const lines = eventLines(events);
    expect(lines.map(({ count }) => count)).toEqual([2, 1, 1, 1]);
    expect(lines[0]).toEqual({ newest: events[0], oldest: events[1], count: 2 });
  });

  it('merges an administrator’s reads into one line, whatever they opened, but not those of two administrators', () => {
    const look = (by: string, records: string) => event('records.viewed', { by, evidence: { records } });
    const lines = eventLines([look('a', 'sessions'), look('a', 'security_events'), look('b', 'sessions')]);
    expect(lines.map(({ count }) => count)).toEqual([2, 1]);
  });

  it('loses none, and keeps their order', () => {
    const some = fc.array(fc.constantFrom('login.failed', 'user.logged_in').map((type) => event(type)));
    fc.assert(
      fc.property(some, (events) => {
        const lines = eventLines(events);
        expect(lines.reduce((sum, line) => sum + line.count, 0)).toBe(events.length);
        let at = 0;
        for (const { newest, oldest, count } of lines) {
          expect([events[at], events[at + count - 1]]).toEqual([newest, oldest]);
          at += count;
        }
      }),
    );
  });
});

describe(eventWords.name, () => {
  it.each(AUTH_EVENT_NAMES)('has a text for %s', (type) => {
    expect(eventWords({ type })).toMatch(/^[A-Z][^._]+$/);
  });

  it('distinguishes a user who logged out everywhere from one who was logged out', () => {
    const type = 'user.logged_out';
    expect(eventWords({ type, evidence: { everywhere: true }, by: 'b' })).toBe('All sessions were ended');
    expect(eventWords({ type, evidence: { everywhere: true } })).toBe('Logged out everywhere');
    expect(eventWords({ type, evidence: { everywhere: false } })).toBe('Logged out');
  });

  it('shows an unknown type by its name, whatever the name is', () => {
    for (const type of ['later.added', 'constructor', '__proto__']) expect(eventWords({ type })).toBe(type);
  });
});

describe('moment', () => {
  it('is to the second, in UTC', () => {
    expect(moment('2026-03-01T12:00:05.999Z')).toBe('1 Mar 2026, 12:00:05 UTC');
  });
});
