import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Connection, createConnection } from 'mongoose';
import { EventIds } from '../../src/audit/event-id.js';
import { MongoSecurityEventStore } from '../../src/audit/mongo-security-event.store.js';
import {
  SECURITY_DAY_MODEL,
  type SecurityDay,
  SecurityDaySchema,
} from '../../src/audit/security-day.schema.js';
import type { SecurityEvent } from '../../src/audit/security-event.js';
import {
  SECURITY_EVENT_MODEL,
  type SecurityEventRow,
  SecurityEventSchema,
} from '../../src/audit/security-event.schema.js';
import type { DayTops } from '../../src/audit/security-event.store.js';
import { IndexRegistry } from '../../src/database/index-registry.js';
import { databaseUri } from '../support/database.js';

const T0 = Date.parse('2100-01-01T00:00:00Z');
const DAY = 86_400_000;
const at = (seconds: number) => new Date(T0 + seconds * 1000);

let connection: Connection;
let store: MongoSecurityEventStore;
let ids: EventIds;

beforeAll(async () => {
  connection = await createConnection(databaseUri('audit')).asPromise();
  store = new MongoSecurityEventStore(
    connection.model<SecurityEventRow>(SECURITY_EVENT_MODEL, SecurityEventSchema),
    connection.model<SecurityDay>(SECURITY_DAY_MODEL, SecurityDaySchema),
    new IndexRegistry(),
  );
  await store.onModuleInit();
});
beforeEach(async () => {
  ids = new EventIds();
  for (const name of ['security_events', 'security_daily']) await connection.collection(name).deleteMany({});
});
afterAll(async () => {
  await connection.dropDatabase();
  await connection.close();
});

function event(seconds: number, over: Partial<SecurityEvent> = {}): SecurityEvent {
  return {
    id: ids.next(at(seconds).getTime()),
    at: at(seconds),
    type: 'user.logged_in',
    userId: 'u',
    ...over,
  };
}

describe(MongoSecurityEventStore.name, () => {
  it('returns what was written, with every field, the newest first', async () => {
    const old = event(1);
    const full = event(2, {
      sessionId: 's',
      by: 'admin',
      ip: '203.0.113.9',
      userAgent: 'curl/8',
      device: { appId: 'shop' },
      reason: 'reuse_detected',
      evidence: { generation: 3, lastUse: { at: at(0) } },
    });
    expect(await store.write([full, old], DAY)).toBe(0);
    expect(await store.find({ limit: 10 })).toEqual([full, old]);
  });

  it('a row expires after the retention, in both collections', async () => {
    await store.write([event(1)], DAY);
    await store.count([{ day: '2100-01-01', type: 'login.failed', count: 1 }], DAY);
    const expiry = async (name: string) => (await connection.collection(name).findOne({}))?.['expiresAt'];
    expect(await expiry('security_events')).toEqual(at(86_401));
    // The end of the day plus the retention.
    expect(await expiry('security_daily')).toEqual(at(2 * 86_400));
    for (const name of ['security_events', 'security_daily'])
      expect(await connection.collection(name).indexes()).toContainEqual(
        expect.objectContaining({ key: { expiresAt: 1 }, expireAfterSeconds: 0 }),
      );
  });

  it('a repeated write adds what was missing, and nothing twice', async () => {
    const rows = [event(1), event(2), event(3)];
    await store.write(rows.slice(0, 2), DAY);
    expect(await store.write(rows, DAY)).toBe(0);
    expect(await store.find({ limit: 10 })).toHaveLength(3);
  });

  it('a row that cannot be written is refused, and the other rows of its batch are written', async () => {
    const loop: Record<string, unknown> = {};
    loop['loop'] = loop;
    const [before, after] = [event(1), event(3)];
    expect(await store.write([before, event(2, { evidence: loop }), after], DAY)).toBe(1);
    expect(await store.find({ limit: 10 })).toEqual([after, before]);
    expect(await store.write([event(4, { evidence: loop })], DAY)).toBe(1);
  });

  it('filters by user, type and time: the start is included, the end is not', async () => {
    const rows = [
      event(1),
      event(2, { userId: 'v' }),
      event(3, { type: 'login.failed' }),
      event(4, { userId: 'v', type: 'login.failed' }),
    ];
    await store.write(rows, DAY);
    const found = async (filter: object) =>
      (await store.find({ limit: 10, ...filter })).map(
        (row) => rows.findIndex(({ id }) => id === row.id) + 1,
      );
    expect(await found({ userId: 'v' })).toEqual([4, 2]);
    expect(await found({ type: 'login.failed' })).toEqual([4, 3]);
    expect(await found({ userId: 'v', type: 'login.failed' })).toEqual([4]);
    expect(await found({ from: at(2), to: at(4) })).toEqual([3, 2]);
    expect(await found({ from: at(2), before: rows[2]?.id })).toEqual([2]);
    expect(await found({ userId: { $ne: 'u' } as never })).toEqual(await found({ userId: 'nobody' }));
  });

  it('adds up reasons with any name, and reads days without reasons', async () => {
    const names = ['wrong_password', '__proto__', '$where', 'a.b', '', '_id', '7', 'é 😀', 'constructor'];
    const reasons = Object.fromEntries(names.map((name, index) => [name, index + 1]));
    const counted = { day: '2100-01-01', type: 'activity.suspected' as const, count: 45 };
    await store.count([counted], DAY);
    await Promise.all([1, 2].map(() => store.count([{ ...counted, reasons }], DAY)));
    const [day] = await store.days('2100-01-01', '2100-01-01', () => undefined);
    expect(day).toMatchObject({ ...counted, count: 135 });
    expect(new Map(Object.entries(day?.reasons ?? {}))).toEqual(
      new Map(names.map((name, index) => [name, 2 * (index + 1)])),
    );
  });

  it('adds up the counts of every process, and keeps one list for each', async () => {
    const increment = { day: '2100-01-01', type: 'login.failed' as const, count: 2 };
    await Promise.all(Array.from({ length: 8 }, () => store.count([increment], DAY)));
    await store.count([{ ...increment, day: '2100-01-03' }], DAY);
    const sources = [{ key: '203.0.113.9', count: 5, error: 0 }];
    const tops = { day: '2100-01-01', instance: 'one', sources, targets: [] };
    for (const again of [tops, tops, { ...tops, instance: 'other' }]) await store.keepTops(again, DAY);
    const lists: DayTops[] = [];
    const counts = await store.days('2100-01-01', '2100-01-02', (each) => lists.push(each));
    expect(counts).toEqual([{ ...increment, count: 16 }]);
    expect(lists).toEqual([tops, { ...tops, instance: 'other' }]);
  });

  it('names the counters that it could not add to, after adding to the others', async () => {
    const increment = { day: '2100-01-01', type: 'login.failed' as const, count: 2 };
    const other = { ...increment, type: 'login.locked' as const };
    expect(await store.count([increment, other], DAY)).toEqual([]);
    await connection
      .collection<{ _id: string }>('security_daily')
      .updateOne({ _id: '2100-01-01 login.failed' }, { $set: { count: 'many' } });
    expect(await store.count([increment, other], DAY)).toEqual([increment]);
    const counts = await store.days('2100-01-01', '2100-01-01', () => undefined);
    expect(counts.find(({ type }) => type === 'login.locked')?.count).toBe(4);
  });
});
