import { AUTH_EVENT_NAMES, type AuthEventName, type SecurityReport } from '../../src/index.js';

/** A report in which no part is empty. */
export function securityReport(over: Partial<SecurityReport> = {}): SecurityReport {
  const came: Partial<Record<AuthEventName, number>> = { 'login.failed': 12, 'refresh_token.replayed': 5 };
  const totals = AUTH_EVENT_NAMES.map((type) => ({ type, count: came[type] ?? 0 }));
  return {
    generatedAt: new Date('2026-03-01T12:00:00Z'),
    from: '2026-02-28',
    to: '2026-03-01',
    totals: totals.sort((a, b) => b.count - a.count),
    days: [
      { day: '2026-02-28', counts: { 'refresh_token.replayed': 5 } },
      { day: '2026-03-01', counts: { 'login.failed': 12 } },
    ],
    reasons: [{ type: 'login.failed', reason: 'wrong_password', count: 12 }],
    topSources: [{ key: '203.0.113.9', count: 12, error: 0 }],
    topTargets: [
      { key: 'u1', email: 'ada@example.com', count: 9, error: 1 },
      { key: 'u2', email: null, count: 3, error: 0 },
    ],
    reuseCases: [
      {
        at: new Date('2026-03-01T11:00:00Z'),
        userId: 'u1',
        sessionId: 's1',
        classification: 'successor_confirmed',
        presentedGeneration: 1,
        generation: 3,
        revoked: true,
        source: { ip: '203.0.113.9', userAgent: 'curl/8' },
        lastUse: { ip: '192.0.2.1', userAgent: 'Mozilla/5.0', at: new Date('2026-03-01T10:59:00Z') },
      },
    ],
    falseAlarmsAvoided: { replays: 5, recoveries: 0, healed: 0, isAtMost: false },
    sessions: { active: 7, isAtLeast: false },
    indexes: [
      {
        collection: 'refresh_tokens',
        index: '{ expiresAt: 1 }',
        isTtl: true,
        state: 'ok',
        found: null,
        overdueMs: 0,
      },
    ],
    ...over,
  };
}
