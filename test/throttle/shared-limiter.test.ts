import { afterAll, beforeAll, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { CommandStartedEvent } from 'mongodb';
import { type Connection, createConnection } from 'mongoose';
import { IndexRegistry } from '../../src/database/index-registry.js';
import { type Limiter, MemoryLimiter } from '../../src/throttle/limiter.js';
import { MongoCounterStore } from '../../src/throttle/mongo-counter.store.js';
import { SharedLimiter } from '../../src/throttle/shared-limiter.js';
import { SlidingWindow } from '../../src/throttle/sliding-window.js';
import { databaseUri } from '../support/database.js';

const T0 = Date.parse('2100-01-01T00:00:00Z');
const WINDOW_MS = 60_000;
let now = T0;
let connection: Connection;

beforeAll(async () => {
  connection = await createConnection(databaseUri('limiter'), { monitorCommands: true }).asPromise();
});
beforeEach(async () => {
  now = T0;
  await connection.dropDatabase();
});
afterAll(() => connection.close());

/** A limiter as in a separate process. */
async function limiterOf(limit: number): Promise<Limiter> {
  const store = new MongoCounterStore(connection, new IndexRegistry());
  await store.ensureIndexes();
  return new SharedLimiter('test', { limit, windowMs: WINDOW_MS }, store, { now: () => now });
}

async function commandsOf(work: () => Promise<unknown>): Promise<string[]> {
  const names: string[] = [];
  const record = ({ commandName }: CommandStartedEvent) => names.push(commandName);
  connection.getClient().on('commandStarted', record);
  await work();
  connection.getClient().off('commandStarted', record);
  return names;
}

const rows = () => connection.collection('throttle').find().toArray();

describe('a limit that instances share', () => {
  it('is never doubled at the border of two windows, whichever instance counts', async () => {
    const processes = [await limiterOf(20), await limiterOf(20)];
    const admitted: number[] = [];
    for (let turn = 0; now < T0 + 2.5 * WINDOW_MS; turn += 1, now += 700) {
      const counted = await processes[turn % 2]?.consume('a');
      if (counted?.retryAfterMs === null) admitted.push(now);
    }
    for (const from of admitted)
      expect(admitted.filter((at) => at >= from && at < from + WINDOW_MS).length).toBeLessThanOrEqual(20);
    expect(admitted.length).toBeGreaterThan(40);
  });

  it('costs one command per check and one document per key, and the document does not grow', async () => {
    const limiter = await limiterOf(1000);
    await limiter.consume('a');
    const commands = await commandsOf(async () => {
      for (let count = 0; count < 40; count += 1, now += 7_000) await limiter.consume('a');
    });
    expect(commands).toEqual(Array.from({ length: 40 }, () => 'findAndModify'));
    const [row, ...others] = await rows();
    expect(others).toEqual([]);
    expect(Object.keys(row?.['counts'] as object).length).toBeLessThanOrEqual(8);
  });

  it('keeps nothing older than the window, however much there was', async () => {
    const limiter = await limiterOf(1000);
    for (let part = 0; part < 7; part += 1, now += WINDOW_MS / 6) await limiter.consume('a');
    now += WINDOW_MS - WINDOW_MS / 6;
    await limiter.consume('a');
    const [row] = await rows();
    expect(Object.keys(row?.['counts'] as object).length).toBeLessThanOrEqual(3);
  });

  it('costs two commands if the last count has expired but is still in the database', async () => {
    const limiter = await limiterOf(3);
    for (const _ of [1, 2, 3]) await limiter.consume('a');
    now += 2 * WINDOW_MS;
    const commands = await commandsOf(async () => {
      expect(await limiter.consume('a')).toMatchObject({ count: 1, retryAfterMs: null });
    });
    expect(commands).toEqual(['findAndModify', 'findAndModify']);
    expect(await rows()).toHaveLength(1);
  });

  it('costs nothing while it refuses, but looks again soon, because another instance may have reset it', async () => {
    const [one, other] = [await limiterOf(2), await limiterOf(2)];
    for (const _ of [1, 2, 3]) await one.consume('a');
    const commands = await commandsOf(async () => {
      for (let count = 0; count < 20; count += 1)
        expect((await one.consume('a')).retryAfterMs).toBeGreaterThan(0);
    });
    expect(commands).toEqual([]);
    const [row] = await rows();
    expect(Object.values(row?.['counts'] as object)).toEqual([2]);
    await other.reset('a');
    await one.reset('a');
    expect((await one.consume('a')).retryAfterMs).toBeNull();
  });

  it('still costs nothing for a refused key after a reset of keys with another prefix', async () => {
    const limiter = await limiterOf(1);
    for (const _ of [1, 2]) await limiter.consume('ada a');
    await limiter.resetAll('bob ');
    const commands = await commandsOf(async () => {
      expect((await limiter.consume('ada a')).retryAfterMs).toBeGreaterThan(0);
    });
    expect(commands).toEqual([]);
  });

  it('begins an expired count again, and leaves the counts of other keys as they are', async () => {
    const limiter = await limiterOf(10);
    await limiter.consume('other');
    await limiter.consume('expired');
    now += 30_000;
    for (const _ of [1, 2]) await limiter.consume('other');
    now += 50_000;
    expect((await limiter.consume('expired')).count).toBe(1);
    expect((await limiter.consume('other')).count).toBe(3);
  });

  it('admits exactly the limit of many simultaneous attempts', async () => {
    const [one, other] = [await limiterOf(10), await limiterOf(10)];
    const counted = await Promise.all(
      Array.from({ length: 40 }, (_, index) => (index % 2 === 0 ? one : other).consume('a')),
    );
    expect(counted.filter(({ retryAfterMs }) => retryAfterMs === null)).toHaveLength(10);
  });

  it('gives a count back where it was made, and never below zero', async () => {
    const [one, other] = [await limiterOf(1), await limiterOf(1)];
    const { atMs } = await one.consume('a');
    now += 30_000;
    for (const _ of [1, 2]) await other.giveBack('a', atMs);
    expect((await other.consume('a')).retryAfterMs).toBeNull();
    expect((await one.consume('a')).retryAfterMs).toBeGreaterThan(0);
  });

  it('says how long to wait: until the oldest counts leave the window, also while it asks nobody', async () => {
    const limiter = await limiterOf(2);
    await limiter.consume('a');
    now += 30_000;
    await limiter.consume('a');
    const { retryAfterMs } = await limiter.consume('a');
    // Counts are kept in parts of the window, so the first one counts for up to a part longer.
    expect(retryAfterMs).toBeGreaterThan(25_000);
    expect(retryAfterMs).toBeLessThanOrEqual(45_000);
    now += 1_000;
    expect((await limiter.consume('a')).retryAfterMs).toBe(Number(retryAfterMs) - 1_000);
    now += Number(retryAfterMs) - 1_000;
    expect((await limiter.consume('a')).retryAfterMs).toBeNull();
  });

  it('resetting all keys with a prefix succeeds, or reports that it did not', async () => {
    const cut = await createConnection(databaseUri('limiter')).asPromise();
    const limiter = new SharedLimiter(
      'test',
      { limit: 1, windowMs: WINDOW_MS },
      new MongoCounterStore(cut, new IndexRegistry()),
      { now: () => now },
    );
    await limiter.consume('ada a');
    await cut.close();
    await expect(limiter.resetAll('ada ')).rejects.toThrow();
  });
});

describe(MongoCounterStore.name, () => {
  const window = new SlidingWindow({ limit: 1, windowMs: WINDOW_MS });
  const duplicate = Object.assign(new Error('E11000 duplicate key error'), { code: 11_000 });

  /** A store on a collection that answers its commands in turn; and the commands that were sent. */
  function storeThatAnswers(...answers: (object | null)[]) {
    const sent: ('count' | 'begin')[] = [];
    const findOneAndUpdate = async (_filter: object, _update: object, { upsert }: { upsert?: boolean }) => {
      const answer = answers[sent.push(upsert ? 'count' : 'begin') - 1];
      if (answer === undefined) throw new Error('more commands than answers');
      if (answer instanceof Error) throw answer;
      return answer;
    };
    const database = { db: { collection: () => ({ findOneAndUpdate }) } } as unknown as Connection;
    return { sent, store: new MongoCounterStore(database, new IndexRegistry()) };
  }

  it('counts in a document that another request has just created', async () => {
    const { sent, store } = storeThatAnswers(duplicate, null, { counts: { 7: 2 } });
    expect(await store.add('a', window, T0)).toEqual({ 7: 2 });
    expect(sent).toEqual(['count', 'begin', 'count']);
  });

  it('gives up at the fifth document that another request has just created', async () => {
    const { sent, store } = storeThatAnswers(
      ...[1, 2, 3, 4].flatMap(() => [duplicate, null]),
      duplicate,
      // For a sixth attempt.
      null,
      { counts: {} },
    );
    await expect(store.add('a', window, T0)).rejects.toBe(duplicate);
    expect(sent.filter((each) => each === 'count')).toHaveLength(5);
  });

  it('passes on any other error at once', async () => {
    const failure = Object.assign(new Error('not authorized'), { code: 13 });
    const { sent, store } = storeThatAnswers(failure, { counts: {} });
    await expect(store.add('a', window, T0)).rejects.toBe(failure);
    expect(sent).toEqual(['count']);
  });

  it('warns once in an outage, without the key, and again in the next one', async () => {
    const warn = jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => undefined);
    try {
      const failure = Object.assign(new Error('the key ada@example.com'), { code: 13 });
      const { store } = storeThatAnswers(failure, failure, { counts: {} }, failure);
      const add = () => store.add('ada@example.com', window, T0).catch(() => null);
      for (const _ of [1, 2]) await add();
      expect(warn.mock.calls).toEqual([['attempts are not counted in the database for now: Error 13']]);
      for (const _ of [1, 2]) await add();
      expect(warn).toHaveBeenCalledTimes(2);
    } finally {
      warn.mockRestore();
    }
  });
});

describe.each([
  ['instances share', () => limiterOf(1)],
  ['one process keeps', async () => new MemoryLimiter({ limit: 1, windowMs: WINDOW_MS }, { now: () => now })],
])('a limit that %s', (_, open) => {
  it('forgets all keys with a prefix, and no other', async () => {
    const limiter = await open();
    const isFree = async (key: string) => (await limiter.consume(key)).retryAfterMs === null;
    const keys = ['ada a', 'ada b', 'bob a', 'a ada '];
    for (const key of keys) for (const _ of [1, 2]) await limiter.consume(key);
    await limiter.resetAll('ada ');
    expect(await Promise.all(keys.map(isFree))).toEqual([true, true, false, false]);
  });
});
