import { beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { RefreshSession, SessionLogin } from '../../src/core/refresh-token.store.js';
import type { RevocationReason } from '../../src/core/rotation.js';
import { DeviceRecognizer } from '../../src/risk/device-recognizer.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';

const DAY_MS = 86_400_000;
const NOW = new Date('2026-01-31T00:00:00Z');
const daysAgo = (days: number) => new Date(NOW.getTime() - days * DAY_MS);
const SOURCE = { ip: '203.0.113.9', userAgent: 'Phone/1' };
const OPTIONS = { refreshToken: { idleTtlMs: 7 * DAY_MS, absoluteTtlMs: 90 * DAY_MS } };
const OLD_ACCOUNT = { createdAt: daysAgo(100) };

let store: InMemoryRefreshTokenStore;
let emitted: unknown[];
let recognizer: DeviceRecognizer;

beforeEach(() => {
  store = new InMemoryRefreshTokenStore();
  emitted = [];
  const events = { emit: async (...event: unknown[]) => void emitted.push(event) };
  recognizer = new DeviceRecognizer(OPTIONS as never, store, events as never);
});

function sessionAt(
  id: string,
  ip = SOURCE.ip,
  at = NOW,
  revokedReason: RevocationReason | null = null,
): RefreshSession {
  return {
    id,
    userId: 'user-1',
    createdAt: at,
    lastUsedAt: at,
    expiresAt: new Date(NOW.getTime() + DAY_MS),
    revokedAt: revokedReason && at,
    revokedReason,
    device: {
      ip,
      userAgent: SOURCE.userAgent,
      appId: 'shop',
      deviceId: null,
      deviceName: 'Phone',
      fingerprint: null,
    },
  } as unknown as RefreshSession;
}

/** The events about the login that began the session. */
async function eventsOf(
  session: RefreshSession,
  others: readonly RefreshSession[] = [],
  user = OLD_ACCOUNT,
): Promise<unknown[]> {
  for (const each of [session, ...others]) await store.create(each);
  const live: SessionLogin[] = await store.findLogins('user-1', NOW);
  recognizer.examine(session, user, live, SOURCE);
  await new Promise((resolve) => setImmediate(resolve));
  return emitted;
}

const elsewhere = (id: string, at = daysAgo(1), reason: RevocationReason | null = null) =>
  sessionAt(id, '198.51.100.7', at, reason);

describe(DeviceRecognizer.name, () => {
  it('reports a login from a place where the account has no session', async () => {
    const device = { appId: 'shop', deviceId: null, deviceName: 'Phone' };
    const event = { userId: 'user-1', sessionId: 'b', device, source: SOURCE };
    expect(await eventsOf(sessionAt('b'), [elsewhere('a')])).toEqual([['device.first_seen', event]]);
  });

  it('reports nothing if an earlier live session began in the same place', async () => {
    expect(await eventsOf(sessionAt('b'), [sessionAt('a', SOURCE.ip, daysAgo(1))])).toEqual([]);
  });

  it('of two simultaneous logins, the later one does not make the earlier one known', async () => {
    const twins = [sessionAt('a'), sessionAt('b')] as const;
    expect(await eventsOf(twins[0], [twins[1]])).toHaveLength(1);
    recognizer.examine(twins[1], OLD_ACCOUNT, await store.findLogins('user-1', NOW), SOURCE);
    await new Promise((resolve) => setImmediate(resolve));
    expect(emitted).toHaveLength(1);
  });

  it('a session that began later does not make an earlier one known, whatever its id', async () => {
    expect(await eventsOf(sessionAt('b', SOURCE.ip, daysAgo(2)), [sessionAt('a')])).toHaveLength(1);
  });

  it.each<[RevocationReason, number]>([
    ['logged_out', 0],
    ['reuse_detected', 1],
  ])('a session that ended as %s in the same place: reported %i times', async (reason, times) => {
    expect(await eventsOf(sessionAt('b'), [sessionAt('a', SOURCE.ip, daysAgo(1), reason)])).toHaveLength(
      times,
    );
  });

  it('a session that ended in another place does not make this one known', async () => {
    expect(await eventsOf(sessionAt('b'), [elsewhere('a', daysAgo(1), 'logged_out')])).toHaveLength(1);
  });

  it('the first login of a new account is not reported; that of an account older than the log may be', async () => {
    expect(await eventsOf(sessionAt('a'), [], { createdAt: daysAgo(6) })).toEqual([]);
    expect(await eventsOf(sessionAt('b'), [], { createdAt: daysAgo(7) })).toEqual([]);
    store.sessions.clear();
    expect(await eventsOf(sessionAt('c'), [], { createdAt: daysAgo(7) })).toHaveLength(1);
  });

  it('the second login of a new account is reported, whether the first session is live or has ended', async () => {
    const young = { createdAt: daysAgo(6) };
    expect(await eventsOf(sessionAt('b'), [elsewhere('a')], young)).toHaveLength(1);
    store.sessions.clear();
    expect(await eventsOf(sessionAt('d'), [elsewhere('c', daysAgo(1), 'logged_out')], young)).toHaveLength(2);
  });

  it('reports unnecessarily if the store does not answer', async () => {
    const warned = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    store.findEndedLogins = () => Promise.reject(new Error('out of reach'));
    expect(await eventsOf(sessionAt('a'), [], { createdAt: daysAgo(1) })).toHaveLength(1);
    warned.mockRestore();
  });
});
