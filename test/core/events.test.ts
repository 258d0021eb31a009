import { describe, expect, it } from '@jest/globals';
import { ANOMALY_RULES } from '../../src/core/anomaly.js';
import {
  AUTH_EVENT_NAMES,
  AUTH_EVENTS,
  type AuthEventFacts,
  type AuthEventName,
  writablePayload,
} from '../../src/core/events.js';
import { ANOMALIES, REASONS, reasonWords } from '../../src/core/reasons.js';

const SOURCE = { ip: '203.0.113.9', userAgent: null };

/**
 * The reason field of each event and its values. They are labels of metrics, so values may be added but never
 * removed.
 */
const WHY: Readonly<Record<string, readonly [field: string, ...reasons: string[]]>> = {
  'login.failed': [
    'reason',
    'unknown_user',
    'wrong_password',
    'no_password',
    'disabled',
    'email_not_verified',
    'wrong_current_password',
  ],
  'login.locked': ['reason', 'failure_limit', 'login_limit', 'refresh_limit'],
  'client.refused': ['reason', 'unknown_client', 'wrong_secret', 'client_limit'],
  'refresh_token.refused': ['reason', 'session_unknown', 'session_expired', 'session_revoked', 'contended'],
  'refresh_token.restored': ['evidence', 'generation_ahead', 'secret_differs', 'seal_broken'],
  'refresh_token.reuse_detected': [
    'evidence',
    'successor_confirmed',
    'successor_replaced',
    'beyond_memory',
    'fingerprint_differs',
    'lost_response_window_elapsed',
  ],
  'session.revoked': [
    'reason',
    'logged_out',
    'logged_out_everywhere',
    'ended_by_user',
    'reuse_detected',
    'replaced',
    'password_changed',
    'evicted',
    'user_disabled',
    'user_deleted',
    'token_version_retired',
    'fingerprint_mismatched',
    'suspicious_activity',
    'ended_by_administrator',
    'revoked_by_client',
    'revocation_completed',
  ],
  'activity.suspected': ['rule', ...ANOMALY_RULES.map(({ name }) => name)],
};

/** Events an operator wants to see at once. */
const WARNINGS: readonly AuthEventName[] = [
  'login.locked',
  'user.disabled',
  'user.enabled',
  'user.roles_changed',
  'user.deleted',
  'email.changed',
  'access.denied',
  'refresh_token.restored',
  'refresh_token.reuse_detected',
  'fingerprint.mismatched',
  'activity.suspected',
  'client.refused',
  'password.reset',
];
/** Events that every honest client causes all day. */
const EVERYDAY: readonly AuthEventName[] = ['refresh_token.rotated', 'refresh_token.replayed'];

describe('AUTH_EVENTS', () => {
  it.each(Object.entries(WHY))('%s has the reasons of the contract', (name, [field, ...reasons]) => {
    const { reason }: AuthEventFacts<never> = AUTH_EVENTS[name as AuthEventName];
    expect(reason?.field).toBe(field);
    expect(Object.keys(reason?.words ?? {})).toEqual(expect.arrayContaining(reasons));
  });

  it('warns of what an operator wants to see at once, and logs what every client does all day at debug level', () => {
    const levelsOf = (names: readonly AuthEventName[]) =>
      new Set(names.map((name) => AUTH_EVENTS[name].level));
    expect(levelsOf(WARNINGS)).toEqual(new Set(['warn']));
    expect(levelsOf(EVERYDAY)).toEqual(new Set(['debug']));
    expect(levelsOf(AUTH_EVENT_NAMES)).toEqual(new Set(['log', 'warn', 'debug']));
  });

  it('the audit log first drops what strangers and clients can cause at will, and never a finding', () => {
    const routineOf = (names: readonly AuthEventName[]) =>
      names.map((name) => {
        const { routine }: AuthEventFacts<never> = AUTH_EVENTS[name];
        return routine;
      });
    expect(routineOf(['access.denied', 'refresh_token.refused', ...EVERYDAY])).toEqual([
      true,
      true,
      true,
      true,
    ]);
    expect(routineOf(['login.locked', 'client.refused'])).toEqual([
      ['login_limit', 'refresh_limit'],
      ['client_limit'],
    ]);
    const findings = WARNINGS.filter(
      (name) => !['login.locked', 'client.refused', 'access.denied'].includes(name),
    );
    for (const routine of routineOf([...findings, 'session.revoked', 'login.failed']))
      expect(routine).toBeUndefined();
  });

  it.each(AUTH_EVENT_NAMES)('has its own title for %s', (name) => {
    const { many, one } = AUTH_EVENTS[name];
    for (const words of [many, one]) expect(words).toMatch(/^[A-Z][^._]+$/);
    expect(AUTH_EVENT_NAMES.filter((other) => AUTH_EVENTS[other].many === many)).toEqual([name]);
  });

  it('marks as routine only reasons that the event has', () => {
    for (const name of AUTH_EVENT_NAMES) {
      const { routine, reason }: AuthEventFacts<never> = AUTH_EVENTS[name];
      if (Array.isArray(routine))
        expect(Object.keys(reason?.words ?? {})).toEqual(expect.arrayContaining(routine));
    }
  });
});

describe(reasonWords.name, () => {
  it("has words for each of the library's anomaly rules", () => {
    expect(Object.keys(ANOMALIES)).toEqual(ANOMALY_RULES.map(({ name }) => name));
  });

  it.each(Object.keys(REASONS))('describes %s in words', (reason) => {
    expect(reasonWords(reason)).toMatch(/^[^_]+$/);
  });

  it('turns the name of any custom rule into words', () => {
    expect(reasonWords('rule_of_the_host')).toBe('rule of the host');
    expect(reasonWords('constructor')).toBe('constructor');
  });
});

describe(writablePayload.name, () => {
  const locked = { userId: 'u', reason: 'failure_limit' as const, source: SOURCE };

  it.each(['ada@example.com', 'MyS3cret@passw0rd.x', 'P@ssword', null])(
    'leaves out a typed address, which may be a password: %s',
    (email) => expect(writablePayload({ ...locked, email })).toEqual(locked),
  );

  it('does not change any other payload', () => {
    const registered = { userId: 'u', source: SOURCE };
    expect(writablePayload(registered)).toBe(registered);
  });
});
