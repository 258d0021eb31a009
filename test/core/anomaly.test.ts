import { describe, expect, it } from '@jest/globals';
import {
  type Activity,
  type ActivityUse,
  ANOMALY_RULES,
  type LoginActivity,
  type RefreshActivity,
} from '../../src/core/anomaly.js';

const NOW = Date.parse('2026-01-01T12:00:00Z');
const MINUTE = 60_000;
const chrome = (version: number, platform = 'X11; Linux x86_64') =>
  `Mozilla/5.0 (${platform}) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/${version}.0.0.0 Safari/537.36`;
const SAFARI_ON_PHONE =
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1';

const use = (ip: string, userAgent: string | null = chrome(140), minutesAgo = 0): ActivityUse => ({
  ip,
  userAgent,
  at: new Date(NOW - minutesAgo * MINUTE),
});

function refresh(
  now: ActivityUse,
  earlierUses: ActivityUse[],
  over: Partial<RefreshActivity> = {},
): RefreshActivity {
  return {
    kind: 'refresh',
    userId: 'u',
    sessionId: 's',
    use: now,
    earlierUses,
    outcome: 'rotated',
    isRepeatedRecovery: false,
    madeBy: null,
    sharedGenerations: 0,
    rotations: 3,
    windowMs: 10 * MINUTE,
    accessTokenTtlMs: 15 * MINUTE,
    ...over,
  };
}

function login(over: Partial<LoginActivity> = {}): LoginActivity {
  const now = use('203.0.113.9');
  return { kind: 'login', userId: 'u', sessionId: 's', use: now, failedAttempts: 0, logins: [now], ...over };
}

/** Names of the rules that suspect the activity. */
const suspected = (activity: Activity) =>
  ANOMALY_RULES.filter(({ examine }) => examine(activity) !== null).map(({ name }) => name);

const HOME = [use('203.0.113.9', chrome(140), 3), use('203.0.113.9', chrome(140), 2), use('203.0.113.9')];

describe('the anomaly rules', () => {
  describe('unfamiliar_client: network and browser both new, after three earlier uses', () => {
    it('suspects a thief with another browser in another network', () => {
      const thief = refresh(use('198.51.100.7', 'curl/8.5.0'), HOME);
      expect(suspected(thief)).toEqual(['unfamiliar_client']);
      const [rule] = ANOMALY_RULES;
      expect(rule?.examine(thief)).toEqual({
        earlierUses: 3,
        lastIp: '203.0.113.9',
        lastUserAgent: chrome(140),
      });
      expect(suspected(refresh(use('2001:db8:9::1', SAFARI_ON_PHONE), HOME))).toEqual(['unfamiliar_client']);
      expect(suspected(refresh(use('198.51.100.7', null), HOME))).toEqual(['unfamiliar_client']);
    });

    it('reports where the session was last used', () => {
      const uses = ['203.0.113.9', '192.0.2.1', '100.64.9.1'].map((ip, version) => use(ip, chrome(version)));
      expect(ANOMALY_RULES[0]?.examine(refresh(use('198.51.100.7', 'curl/8.5.0'), uses))).toEqual({
        earlierUses: 3,
        lastIp: '100.64.9.1',
        lastUserAgent: chrome(2),
      });
    });

    it('suspects nobody while a session has fewer than three earlier uses', () => {
      expect(suspected(refresh(use('198.51.100.7', 'curl/8.5.0'), HOME.slice(0, 2)))).toEqual([]);
      expect(suspected(refresh(use('198.51.100.7', 'curl/8.5.0'), []))).toEqual([]);
    });

    it('does not suspect if an address is unknown', () => {
      expect(suspected(refresh(use('', 'curl/8.5.0'), HOME))).toEqual([]);
    });

    it.each<[string, ActivityUse, ActivityUse[]]>([
      [
        'a roaming phone: another address at every use, also of another carrier',
        use('100.64.9.1', SAFARI_ON_PHONE),
        ['203.0.113.9', '198.51.100.7', '192.0.2.77', '100.127.3.3'].map((ip) => use(ip, SAFARI_ON_PHONE)),
      ],
      ['a VPN that was turned on', use('198.51.100.7', chrome(140)), HOME],
      [
        'a VPN that is turned on and off',
        use('203.0.113.9', chrome(140)),
        [use('203.0.113.9'), use('198.51.100.7'), use('203.0.113.9'), use('198.51.100.8')],
      ],
      ['a browser update', use('203.0.113.9', chrome(141)), HOME],
      ['a browser update followed by a different café', use('198.51.100.7', chrome(141)), HOME],
      [
        'an update of one of the browsers that share the session',
        use('198.51.100.7', chrome(141)),
        [use('192.0.2.10', 'node'), ...HOME],
      ],
      ['an address from the same pool, and another browser', use('203.0.113.77', 'curl/8.5.0'), HOME],
      [
        'an IPv6 privacy address, and another browser',
        use('2001:db8:1:2:dead:beef:1:2', SAFARI_ON_PHONE),
        ['2001:db8:1:2:aaaa::1', '2001:db8:1:2:bbbb::2', '2001:db8:1:2:cccc::3'].map((ip) => use(ip)),
      ],
      ['IPv4 that comes within IPv6', use('::ffff:203.0.113.9', 'curl/8.5.0'), HOME],
      [
        'a server that renders pages between the uses of its browser',
        use('192.0.2.10', 'node'),
        [...HOME, use('192.0.2.10', 'node')],
      ],
      [
        'a client that never sends a user agent',
        use('198.51.100.7', null),
        HOME.map(({ ip }) => use(ip, null)),
      ],
    ])('does not suspect: %s', (_, now, earlier) => {
      expect(suspected(refresh(now, earlier))).toEqual([]);
    });
  });

  describe("scattered_logins: one user's sessions begin in many networks within minutes", () => {
    const from = (...ips: string[]) => ips.map((ip, index) => use(ip, null, index));

    it('suspects four networks within ten minutes', () => {
      const logins = from('203.0.113.9', '198.51.100.7', '192.0.2.1', '2001:db8:1:2::1');
      expect(suspected(login({ logins }))).toEqual(['scattered_logins']);
      const [, rule] = ANOMALY_RULES;
      const more = [...logins, use('203.0.113.10', null, 10)];
      expect(rule?.examine(login({ logins: more }))).toEqual({ sessions: 5, networks: 4, minutes: 10 });
    });

    it.each<[string, ActivityUse[]]>([
      ['a laptop, a phone and a tablet', from('203.0.113.9', '198.51.100.7', '203.0.113.10')],
      ['many sessions from one house', from(...Array.from({ length: 20 }, (_, n) => `203.0.113.${n + 1}`))],
      [
        'an IPv6 host that changes its address',
        from(...Array.from({ length: 9 }, (_, n) => `2001:db8:1:2:${n}::1`)),
      ],
      [
        'a traveller, over a day',
        ['203.0.113.9', '198.51.100.7', '192.0.2.1', '100.64.1.1'].map((ip, n) => use(ip, null, n * 30)),
      ],
      ['logins with unknown addresses', from('', '', '', '')],
      [
        'one login with an unknown address and three others',
        from('203.0.113.9', '198.51.100.7', '192.0.2.1', ''),
      ],
    ])('does not suspect: %s', (_, logins) => {
      expect(suspected(login({ logins }))).toEqual([]);
    });
  });

  describe('excessive_refreshes: far more than the lifetime of an access token explains', () => {
    const often = (rotations: number, accessTokenTtlMs = 15 * MINUTE) =>
      suspected(refresh(use('203.0.113.9'), HOME, { rotations, accessTokenTtlMs }));

    it('suspects a client in a loop', () => {
      expect(often(201)).toEqual(['excessive_refreshes']);
      expect(often(10_000)).toEqual(['excessive_refreshes']);
    });

    it('does not suspect pages that refresh at each load, or short lifetimes that need many refreshes', () => {
      expect(often(60)).toEqual([]);
      expect(often(200)).toEqual([]);
      expect(often(600, 10_000)).toEqual([]);
      // Sixty lifetimes in ten minutes and the one before; the limit is fifty refreshes for each.
      expect(often(3050, 10_000)).toEqual([]);
      expect(often(3051, 10_000)).toEqual(['excessive_refreshes']);
    });

    it('reports how many refreshes there were, and within how many minutes', () => {
      const loop = refresh(use('203.0.113.9'), HOME, { rotations: 201 });
      expect(ANOMALY_RULES[2]?.examine(loop)).toEqual({ rotations: 201, minutes: 10 });
    });
  });

  it('login_after_failures: suspects the right password after six wrong ones, not after a few', () => {
    expect(suspected(login({ failedAttempts: 6 }))).toEqual(['login_after_failures']);
    expect(suspected(login({ failedAttempts: 5 }))).toEqual([]);
    expect(ANOMALY_RULES[3]?.examine(login({ failedAttempts: 6 }))).toEqual({ failedAttempts: 6 });
  });

  it('repeated_recovery: suspects the second recovery of one generation, not the first', () => {
    const recovered = { outcome: 'recovered' as const };
    expect(suspected(refresh(use('203.0.113.9'), HOME, { ...recovered, isRepeatedRecovery: true }))).toEqual([
      'repeated_recovery',
    ]);
    expect(suspected(refresh(use('203.0.113.9'), HOME, recovered))).toEqual([]);
    const again = refresh(use('203.0.113.9'), HOME, { ...recovered, isRepeatedRecovery: true });
    expect(ANOMALY_RULES[4]?.examine(again)).toEqual({ outcome: 'recovered' });
  });

  it('have unique names, in a list that cannot be changed', () => {
    const names = ANOMALY_RULES.map(({ name }) => name);
    expect(new Set(names).size).toBe(names.length);
    expect(Object.isFrozen(ANOMALY_RULES)).toBe(true);
  });
});
