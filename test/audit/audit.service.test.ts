import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { AuditService } from '../../src/audit/audit.service.js';
import type { SecurityEvent } from '../../src/audit/security-event.js';
import type { DayTops, SecurityEventStore } from '../../src/audit/security-event.store.js';
import type { DayCount } from '../../src/audit/security-report.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import type { AuthOptions } from '../../src/index.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { authOptions } from '../support/host-app.js';

const SOURCE = { ip: '203.0.113.9', userAgent: 'curl/8' };
const DAY = 86_400_000;
const NOW = Date.parse('2026-01-01T12:00:00Z');

/** A store that can be disconnected; like the real one it stores a row once, and lists per process. */
class SwitchedStore implements SecurityEventStore {
  isAway = false;
  refusedType: DayCount['type'] | null = null;
  readonly rows = new Map<string, SecurityEvent>();
  readonly batches: number[] = [];
  readonly counts: DayCount[] = [];
  readonly tops = new Map<string, DayTops>();

  async write(events: readonly SecurityEvent[]): Promise<number> {
    this.reach();
    this.batches.push(events.length);
    for (const event of events) this.rows.set(event.id, event);
    return 0;
  }
  async find(): Promise<SecurityEvent[]> {
    return [...this.rows.values()];
  }
  async count(increments: readonly DayCount[]): Promise<readonly DayCount[]> {
    this.reach();
    const isRefused = ({ type }: DayCount) => type === this.refusedType;
    this.counts.push(...increments.filter((increment) => !isRefused(increment)));
    return increments.filter(isRefused);
  }
  async forget(userId: string): Promise<void> {
    for (const [id, row] of this.rows) if (row.userId === userId) this.rows.delete(id);
  }
  async keepTops(tops: DayTops): Promise<void> {
    this.reach();
    this.tops.set(`${tops.day} ${tops.instance}`, tops);
  }
  async days(from: string, to: string, take: (lists: DayTops) => void) {
    const isWanted = ({ day }: { day: string }) => from <= day && day <= to;
    [...this.tops.values()].filter(isWanted).forEach(take);
    return this.counts.filter(isWanted);
  }
  private reach(): void {
    if (this.isAway) throw new Error('out of reach');
  }
}

let store: SwitchedStore;
let bus: AuthEventBus;
let now: number;
let logged: string[];

beforeEach(() => {
  jest.useFakeTimers();
  store = new SwitchedStore();
  bus = new AuthEventBus(null);
  now = NOW;
  logged = [];
  for (const level of ['warn', 'error'] as const)
    jest
      .spyOn(Logger.prototype, level)
      .mockImplementation((message: unknown) => void logged.push(String(message)));
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

function open(audit?: AuthOptions['audit']): AuditService {
  const service = new AuditService(resolveOptions(authOptions({ audit })), store, { now: () => now }, bus);
  service.onModuleInit();
  return service;
}

const rotate = (generation = 1) =>
  void bus.emit('refresh_token.rotated', { userId: 'u', sessionId: 's', generation, source: SOURCE });
const fail = (ip: string, userId: string | null = 'u') =>
  void bus.emit('login.failed', {
    email: 'u@example.com',
    userId,
    reason: 'wrong_password',
    source: { ...SOURCE, ip },
  });
const types = () => [...store.rows.values()].map(({ type }) => type);

describe(AuditService.name, () => {
  it('writes a security event at once, and routine rows together within a second', async () => {
    open();
    for (let generation = 1; generation <= 50; generation += 1) rotate(generation);
    await jest.advanceTimersByTimeAsync(900);
    expect(store.batches).toEqual([]);
    await jest.advanceTimersByTimeAsync(200);
    expect(store.batches).toEqual([50]);
    void bus.emit('password.changed', { userId: 'u', source: SOURCE });
    await jest.advanceTimersByTimeAsync(2);
    expect(types().at(-1)).toBe('password.changed');
  });

  it('writes every event once, in order, however they are batched', async () => {
    open();
    for (let generation = 1; generation <= 2500; generation += 1) rotate(generation);
    await jest.advanceTimersByTimeAsync(3000);
    expect(Math.max(...store.batches)).toBeLessThanOrEqual(1000);
    const rows = [...store.rows.values()].sort((a, b) => (a.id < b.id ? -1 : 1));
    expect(rows.map(({ evidence }) => evidence?.['generation'])).toEqual(
      Array.from({ length: 2500 }, (_, index) => index + 1),
    );
  });

  it('keeps what cannot be written, logs it, and writes it when the database is back', async () => {
    const service = open();
    store.isAway = true;
    fail('203.0.113.9');
    rotate();
    await jest.advanceTimersByTimeAsync(5000);
    expect(service.stats).toMatchObject({ waiting: 2, written: 0, dropped: 0 });
    expect(service.stats.failures).toBeGreaterThan(3);
    expect(logged.join('\n')).toMatch(/the audit log waits for the database, 2 rows wait.*out of reach/);
    store.isAway = false;
    await jest.advanceTimersByTimeAsync(2000);
    expect(types().sort()).toEqual(['login.failed', 'refresh_token.rotated']);
    expect(service.stats).toMatchObject({ waiting: 0, written: 2 });
  });

  it('is bounded during an outage: rotations are dropped, thefts kept, and counters continue', async () => {
    const service = open();
    store.isAway = true;
    for (let attempt = 0; attempt < 10; attempt += 1) fail('203.0.113.9');
    for (let generation = 1; generation <= 30_000; generation += 1) rotate(generation);
    await jest.advanceTimersByTimeAsync(2000);
    expect(service.stats).toMatchObject({ waiting: 20_000, dropped: 10_010 });
    store.isAway = false;
    await jest.advanceTimersByTimeAsync(3000);
    expect(types().filter((type) => type === 'login.failed')).toHaveLength(10);
    expect(store.counts).toEqual(
      expect.arrayContaining([
        { day: '2026-01-01', type: 'refresh_token.rotated', count: 30_000 },
        { day: '2026-01-01', type: 'login.failed', count: 10, reasons: { wrong_password: 10 } },
      ]),
    );
  });

  it('counts by day and type, and lists the top sources and targets of failed logins', async () => {
    const service = open();
    for (let attempt = 0; attempt < 3; attempt += 1) fail('198.51.100.1');
    fail('2001:db8:1:2::5', null);
    fail('2001:db8:1:2::6', 'v');
    now += DAY;
    fail('198.51.100.1');
    const { counts, topSources, topTargets } = await service.summary(new Date(NOW), new Date(now));
    // A query first writes what was counted.
    expect(store.counts).toEqual(counts);
    expect(counts).toEqual([
      { day: '2026-01-01', type: 'login.failed', count: 5, reasons: { wrong_password: 5 } },
      { day: '2026-01-02', type: 'login.failed', count: 1, reasons: { wrong_password: 1 } },
    ]);
    expect(topSources).toEqual([
      { key: '198.51.100.1', count: 4, error: 0 },
      { key: '2001:db8:1:2::/64', count: 2, error: 0 },
    ]);
    expect(topTargets).toEqual([
      { key: 'u', count: 4, error: 0 },
      { key: 'v', count: 1, error: 0 },
    ]);
  });

  it('a summary includes what cannot be written, exactly once, even if it is written in the end', async () => {
    const service = open();
    fail('198.51.100.1');
    await service.flush();
    store.isAway = true;
    fail('198.51.100.1');
    fail('203.0.113.9', 'v');
    now += DAY;
    fail('203.0.113.9');
    const read = async () => {
      const { counts, topSources, topTargets } = await service.summary(new Date(NOW), new Date(NOW));
      const failed = counts.reduce((sum, { count }) => sum + count, 0);
      const wrong = counts.reduce((sum, { reasons }) => sum + (reasons?.['wrong_password'] ?? 0), 0);
      return { failed, wrong, topSources, topTargets };
    };
    const expected = {
      failed: 3,
      wrong: 3,
      topSources: [
        { key: '198.51.100.1', count: 2, error: 0 },
        { key: '203.0.113.9', count: 1, error: 0 },
      ],
      topTargets: [
        { key: 'u', count: 2, error: 0 },
        { key: 'v', count: 1, error: 0 },
      ],
    };
    expect(await read()).toEqual(expected);
    expect(store.counts).toHaveLength(1);
    store.isAway = false;
    expect(await read()).toEqual(expected);
    expect(store.counts.length).toBeGreaterThan(1);
  });

  it('counts nothing twice if the database refuses one of the counters', async () => {
    const service = open();
    store.refusedType = 'login.failed';
    fail('198.51.100.1');
    rotate();
    await service.flush();
    await service.flush();
    expect(store.counts).toEqual([{ day: '2026-01-01', type: 'refresh_token.rotated', count: 1 }]);
    expect(service.stats.failures).toBe(2);
    expect(logged).toContainEqual(expect.stringContaining('refused: 1 of 2, as 2026-01-01 login.failed'));
    store.refusedType = null;
    await service.flush();
    expect(store.counts).toContainEqual({
      day: '2026-01-01',
      type: 'login.failed',
      count: 1,
      reasons: { wrong_password: 1 },
    });
    expect(store.counts).toHaveLength(2);
  });

  it('counts reasons by name, up to a limit', async () => {
    const service = open();
    const suspect = (rule: string) =>
      void bus.emit('activity.suspected', {
        userId: 'u',
        sessionId: 's',
        rule,
        action: 'report',
        evidence: {},
        source: SOURCE,
      });
    for (let n = 0; n < 60; n += 1) suspect(`rule ${n}`);
    await service.flush();
    suspect('rule 59');
    suspect('rule 0');
    await service.flush();
    const [first, second] = store.counts;
    expect(Object.keys(first?.reasons ?? {})).toHaveLength(51);
    expect(first?.reasons).toMatchObject({ 'rule 49': 1, other: 10 });
    expect(second?.reasons).toEqual({ other: 1, 'rule 0': 1 });
  });

  it('lists stay bounded under an attack from ever new addresses', async () => {
    const service = open();
    for (let n = 0; n < 3000; n += 1) fail(`10.${n >> 8}.${n & 255}.1`);
    await service.flush();
    const [tops] = store.tops.values();
    expect(tops?.sources).toHaveLength(200);
  });

  it('counts rotations but stores no row for them, if configured', async () => {
    const service = open({ rotations: false });
    rotate();
    fail('203.0.113.9');
    await service.flush();
    expect(types()).toEqual(['login.failed']);
    expect(store.counts).toContainEqual({ day: '2026-01-01', type: 'refresh_token.rotated', count: 1 });
  });

  it('stores nothing if it is off', async () => {
    const service = open(false);
    fail('203.0.113.9');
    await service.flush();
    expect(store.rows.size + store.counts.length).toBe(0);
  });

  it('writes what waits before the application ends, and what arrives while it ends', async () => {
    const service = open();
    rotate();
    await service.beforeApplicationShutdown();
    expect(types()).toEqual(['refresh_token.rotated']);
    rotate(2);
    await service.onApplicationShutdown();
    expect(store.rows.size).toBe(2);
    expect(store.counts.reduce((sum, { count }) => sum + count, 0)).toBe(2);
  });

  it('retries a write that fails once while the application ends, and loses nothing', async () => {
    const service = open();
    let refuse = (_: Error): void => undefined;
    const write = store.write.bind(store);
    store.write = () => new Promise((_, reject) => (refuse = reject));
    fail('203.0.113.9');
    await jest.advanceTimersByTimeAsync(1);
    store.write = write;
    const ending = service.beforeApplicationShutdown();
    refuse(new Error('the primary steps down'));
    await ending;
    expect(store.rows.size).toBe(1);
    fail('203.0.113.10');
    await service.onApplicationShutdown();
    expect(store.rows.size).toBe(2);
    expect(logged.join('\n')).not.toMatch(/lost/);
  });

  it('at the end, a refused counter loses no row', async () => {
    const service = open();
    store.refusedType = 'login.failed';
    fail('203.0.113.9');
    await service.beforeApplicationShutdown();
    fail('203.0.113.10');
    await service.onApplicationShutdown();
    expect(store.rows.size).toBe(2);
    expect(logged.filter((line) => line.includes('lost'))).toEqual([
      expect.stringContaining('counters of the audit log were lost'),
    ]);
  });

  it('waits for counters in flight to the database when the application ends', async () => {
    const service = open({ rotations: false });
    let finish = (): void => undefined;
    const count = store.count.bind(store);
    store.count = async (increments) => {
      store.count = count;
      await new Promise<void>((resolve) => (finish = resolve));
      return count(increments);
    };
    rotate();
    await jest.advanceTimersByTimeAsync(1100);
    let isOver = false;
    const ending = service.onApplicationShutdown().then(() => (isOver = true));
    await jest.advanceTimersByTimeAsync(100);
    expect(isOver).toBe(false);
    finish();
    await ending;
    expect(store.counts).toEqual([{ day: '2026-01-01', type: 'refresh_token.rotated', count: 1 }]);
    expect(logged).toEqual([]);
  });

  it('does not block the end of an application, and logs how much is lost', async () => {
    const service = open();
    store.write = () => new Promise(() => undefined);
    rotate();
    const ending = service.beforeApplicationShutdown();
    await jest.advanceTimersByTimeAsync(3100);
    await ending;
    expect(logged.join('\n')).toMatch(/1 row of the audit log was lost/);
  });

  it('removes late rows of a deleted user when the application ends, and touches the store no more', async () => {
    const service = open();
    const passes: string[] = [];
    const forget = store.forget.bind(store);
    store.forget = async (userId) => {
      passes.push(userId);
      await forget(userId);
    };
    await service.forget('u');
    // A row of another process that arrives later.
    fail('203.0.113.9');
    await service.flush();
    expect(store.rows.size).toBe(1);
    await service.onApplicationShutdown();
    expect(store.rows.size).toBe(0);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(passes).toEqual(['u', 'u']);
  });

  it('does not wait for the late rows of a deleted user if the database does not answer', async () => {
    const service = open();
    await service.forget('u');
    store.forget = () => new Promise(() => undefined);
    const ending = service.onApplicationShutdown();
    await jest.advanceTimersByTimeAsync(1100);
    await ending;
    expect(logged.join()).toMatch(/late rows of a deleted user may remain/);
  });
});
