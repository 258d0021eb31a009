import type { ReuseCase, SecurityReport } from '../../src/audit/security-report.js';
import { AUTH_EVENT_NAMES, type AuthEventName } from '../../src/index.js';

const DAY_MS = 86_400_000;
const LAST_DAY = Date.UTC(2026, 10, 20);
const CHROME =
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36';

const dayOf = (index: number, count: number): string =>
  new Date(LAST_DAY - (count - 1 - index) * DAY_MS).toISOString().slice(0, 10);

/** Days without events. */
export function emptyReport(dayCount = 30): SecurityReport {
  const days = Array.from({ length: dayCount }, (_, index) => ({ day: dayOf(index, dayCount), counts: {} }));
  return {
    generatedAt: new Date(LAST_DAY + DAY_MS / 2),
    from: dayOf(0, dayCount),
    to: dayOf(dayCount - 1, dayCount),
    totals: AUTH_EVENT_NAMES.map((type) => ({ type, count: 0 })),
    days,
    reasons: [],
    topSources: [],
    topTargets: [],
    reuseCases: [],
    falseAlarmsAvoided: { replays: 0, recoveries: 0, healed: 0, isAtMost: false },
    sessions: { active: 0, isAtLeast: false },
    indexes: [],
  };
}

/** Days with every event that a report shows, most of them on one day. */
export function busyReport(dayCount = 30): SecurityReport {
  const days = emptyReport(dayCount).days.map(({ day }, index) => {
    const isAttack = index === Math.floor(dayCount / 2);
    return { day, counts: isAttack ? ATTACK : index % 7 < 5 ? WEEKDAY : WEEKEND };
  });
  const total = (type: AuthEventName) =>
    days.reduce((sum, { counts }) => sum + ((counts as Partial<Record<string, number>>)[type] ?? 0), 0);
  return {
    ...emptyReport(dayCount),
    days,
    totals: AUTH_EVENT_NAMES.map((type) => ({ type, count: total(type) })).sort((a, b) => b.count - a.count),
    reasons: [
      { type: 'login.failed', reason: 'wrong_password', count: 1200 },
      { type: 'activity.suspected', reason: 'rule_of_the_host', count: 3 },
    ],
    topSources: [
      { key: '203.0.113.9', count: 640, error: 0 },
      { key: '2001:db8:85a3:8d3::/64', count: 90, error: 40 },
    ],
    topTargets: [
      { key: 'user-1', email: 'ada@example.com', count: 400, error: 0 },
      { key: 'user-2', email: null, count: 3, error: 0 },
    ],
    reuseCases: Array.from({ length: 12 }, (_, index) => reuseCase(index)),
    falseAlarmsAvoided: {
      replays: total('refresh_token.replayed'),
      recoveries: total('refresh_token.recovered'),
      healed: total('refresh_token.healed'),
      isAtMost: false,
    },
    sessions: { active: 10_000, isAtLeast: true },
    indexes: [
      {
        collection: 'users',
        index: '{ email: 1 }',
        isTtl: false,
        state: 'missing',
        found: null,
        overdueMs: null,
      },
      {
        collection: 'security_events',
        index: '{ expiresAt: 1 }',
        isTtl: true,
        state: 'ok',
        found: null,
        overdueMs: 8_000_000,
      },
      {
        collection: 'refresh_sessions',
        index: '{ expiresAt: 1 }',
        isTtl: true,
        state: 'ok',
        found: null,
        overdueMs: 0,
      },
    ],
  };
}

const WEEKDAY = {
  'user.logged_in': 420,
  'user.registered': 21,
  'user.logged_out': 160,
  'refresh_token.rotated': 14_000,
  'refresh_token.replayed': 20,
  'refresh_token.recovered': 2,
  'refresh_token.refused': 15,
  'login.failed': 38,
  'session.revoked': 11,
};
const WEEKEND = { ...WEEKDAY, 'user.logged_in': 130, 'refresh_token.rotated': 5000, 'login.failed': 9 };
const ATTACK = {
  ...WEEKDAY,
  'login.failed': 640,
  'login.locked': 310,
  'activity.suspected': 3,
  'fingerprint.mismatched': 2,
  'refresh_token.reuse_detected': 12,
};
const CLASSIFICATIONS = [
  'successor_confirmed',
  'successor_replaced',
  'beyond_memory',
  'fingerprint_differs',
  'lost_response_window_elapsed',
];

function reuseCase(index: number): ReuseCase {
  const at = new Date(LAST_DAY - index * 3_600_000);
  return {
    at,
    userId: `6710f0a2c3b1e0a9d4e5f6${10 + index}`,
    sessionId: `01930f0a-7c1e-7b2a-9d3e-4f5a6b7c8d${10 + index}`,
    classification: CLASSIFICATIONS[index % CLASSIFICATIONS.length] ?? '',
    presentedGeneration: 40,
    generation: 44,
    revoked: index !== 3,
    source: { ip: '203.0.113.9', userAgent: index === 0 ? CHROME : 'curl/8.5.0' },
    lastUse:
      index === 1 ? null : { ip: '198.51.100.7', userAgent: CHROME, at: new Date(at.getTime() - 60_000) },
  };
}

/** The same report with this text wherever a string may come from somebody else. */
export function reportHolding(text: string): SecurityReport {
  const report = busyReport(3);
  const source = { ip: text, userAgent: text };
  return {
    ...report,
    reasons: report.reasons.map((each) => ({ ...each, reason: text })),
    topSources: report.topSources.map((each) => ({ ...each, key: text })),
    topTargets: report.topTargets.map((each) => ({ ...each, key: text, email: each.email && text })),
    reuseCases: report.reuseCases.map((each) => ({
      ...each,
      userId: text,
      sessionId: text,
      classification: text,
      source,
      lastUse: each.lastUse && { ...each.lastUse, ...source },
    })),
    indexes: report.indexes.map((each) => ({
      ...each,
      collection: text,
      index: text,
      state: 'different',
      found: text,
    })),
  };
}
