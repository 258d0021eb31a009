import { afterAll, beforeAll, beforeEach, describe, expect, it } from '@jest/globals';
import { type Connection, createConnection } from 'mongoose';
import { AuthError } from '../../src/core/errors.js';
import { IndexRegistry } from '../../src/database/index-registry.js';
import { type IndexDescription, stateOfIndex } from '../../src/database/index-state.js';
import { resolveOptions } from '../../src/options/resolve-options.js';
import { MongoCounterStore } from '../../src/throttle/mongo-counter.store.js';
import { type Attempt, type CountedAttempt, ThrottleService } from '../../src/throttle/throttle.service.js';
import { databaseUri } from '../support/database.js';

const KEYS = {
  access: ['TaDXo0rYr3C2m1KQxYhQ6WQxw4u1Z8aK1d'],
  refresh: ['nUxUq8o7Hc1fE5x9wZ2bT4vL6yR3sM0pJk'],
};
const OPTIONS = resolveOptions({
  issuer: 'https://issuer.example.com',
  keys: KEYS,
  throttle: {
    login: { limit: 2, window: '1m' },
    failures: { limit: 2, window: '1m' },
    accountFailures: { limit: 3, window: '1m' },
    refresh: { limit: 2, window: '1m' },
    mails: { limit: 2, window: '1m' },
    dailyMails: { limit: 4, window: '1m' },
  },
});
const OFF = resolveOptions({ issuer: OPTIONS.issuer, keys: KEYS, throttle: false });

/** Later than the database's own time, so that its TTL monitor removes nothing. */
const T0 = Date.parse('2100-01-01T00:00:00Z');
let now = T0;
const clock = { now: () => now };
let connection: Connection;

beforeAll(async () => {
  connection = await createConnection(databaseUri('throttle'), { monitorCommands: true }).asPromise();
});
beforeEach(async () => {
  now = T0;
  await connection.dropDatabase();
});
afterAll(() => connection.close());

const A = { ip: '192.0.2.1', deviceId: null };
const B = { ip: '192.0.2.2', deviceId: null };

async function processOn(database: Connection, options = OPTIONS): Promise<ThrottleService> {
  const service = new ThrottleService(options, new MongoCounterStore(database, new IndexRegistry()), clock);
  await service.onModuleInit();
  return service;
}

const attempt = (origin: string, device: Attempt['device'] = 'unknown'): Attempt => ({
  account: 'user@example.com',
  origin: `address:${origin}`,
  device,
});

/** The earlier failures of an attempt, or why it was refused. */
async function failuresOf(counting: Promise<CountedAttempt>): Promise<unknown> {
  return outcomeOf(counting.then(({ failedBefore }) => failedBefore));
}

async function outcomeOf(counting: Promise<unknown> | (() => void)): Promise<unknown> {
  try {
    return await (typeof counting === 'function' ? counting() : counting);
  } catch (error) {
    if (error instanceof AuthError) return error.code;
    throw error;
  }
}

describe(ThrottleService.name, () => {
  it('an account has one limit for all unknown devices, at any address, shared by all processes', async () => {
    const [one, other] = [await processOn(connection), await processOn(connection)];
    for (const origin of ['a', 'b', 'c'])
      expect(await failuresOf(one.beginPasswordAttempt(attempt(origin)))).toBe(0);
    expect(await failuresOf(other.beginPasswordAttempt(attempt('d')))).toBe('TOO_MANY_ATTEMPTS');
    expect(await failuresOf(other.beginPasswordAttempt(attempt('e', 'known')))).toBe(0);
    expect(await failuresOf(other.beginPasswordAttempt(attempt('f', 'trusted')))).toBe(0);
  });

  it.each(['cancelled', 'succeeded'] as const)(
    'an attempt that was %s gives the account and the origin their count back',
    async (takeBack) => {
      const service = await processOn(connection);
      for (const origin of ['a', 'a', 'a', 'b', 'c', 'd']) {
        const counted = await service.beginPasswordAttempt(attempt(origin));
        expect(counted.failedBefore).toBe(0);
        await counted[takeBack]();
      }
    },
  );

  it('only a success forgets the failures of an origin before it', async () => {
    const service = await processOn(connection);
    await service.beginPasswordAttempt(attempt('a'));
    const second = await service.beginPasswordAttempt(attempt('a'));
    expect(second.failedBefore).toBe(1);
    await second.cancelled();
    const third = await service.beginPasswordAttempt(attempt('a'));
    expect(third.failedBefore).toBe(1);
    await third.succeeded();
    expect(await failuresOf(service.beginPasswordAttempt(attempt('a')))).toBe(0);
  });

  it('devices from before a change of password share one limit, separate from that of unknown devices', async () => {
    const service = await processOn(connection);
    for (const origin of ['a', 'b', 'c'])
      expect(await failuresOf(service.beginPasswordAttempt(attempt(origin, 'known')))).toBe(0);
    expect(await failuresOf(service.beginPasswordAttempt(attempt('d', 'known')))).toBe('TOO_MANY_ATTEMPTS');
    expect(await failuresOf(service.beginPasswordAttempt(attempt('e')))).toBe(0);
    const other = { ...attempt('d', 'known'), account: 'other@example.com' };
    expect(await failuresOf(service.beginPasswordAttempt(other))).toBe(0);
  });

  it('a trusted device neither uses up nor gives back the limit of others', async () => {
    const service = await processOn(connection);
    const trusted: CountedAttempt[] = [];
    for (const origin of ['a', 'b', 'c', 'd'])
      trusted.push(await service.beginPasswordAttempt(attempt(origin, 'trusted')));
    expect(trusted.map(({ failedBefore }) => failedBefore)).toEqual([0, 0, 0, 0]);
    for (const origin of ['e', 'f', 'g']) await service.beginPasswordAttempt(attempt(origin));
    await trusted[0]?.cancelled();
    await trusted[1]?.succeeded();
    const rows = await connection.collection('throttle').find().toArray();
    expect(rows.filter(({ key }) => String(key).startsWith('account:'))).toHaveLength(1);
    expect(await failuresOf(service.beginPasswordAttempt(attempt('h')))).toBe('TOO_MANY_ATTEMPTS');
  });

  it('accounts and origins have separate limits', async () => {
    const service = await processOn(connection);
    for (const _ of [1, 2, 3]) await service.beginPasswordAttempt(attempt('a')).catch(() => undefined);
    const other = { ...attempt('a'), account: 'other@example.com' };
    expect(await failuresOf(service.beginPasswordAttempt(other))).toBe(0);
    expect(await failuresOf(service.beginPasswordAttempt(attempt('b')))).toBe(0);
  });

  it('says when to retry: within the window, after a second at the earliest', async () => {
    const service = await processOn(connection);
    for (const _ of [1, 2]) await service.admitLogin(A);
    const refusal = await service.admitLogin(A).catch((error: unknown) => error as AuthError);
    expect(refusal).toMatchObject({ code: 'TOO_MANY_ATTEMPTS' });
    expect(refusal?.retryAfter).toBeGreaterThan(1);
    expect(refusal?.retryAfter).toBeLessThanOrEqual(70);
    expect(await outcomeOf(service.admitLogin(B))).toBeUndefined();
  });

  it('forged refreshes are counted by address, in this process only', async () => {
    const [one, other] = [await processOn(connection), await processOn(connection)];
    for (const host of ['2001:db8:1:2::1', '2001:db8:1:2::2'])
      expect(await outcomeOf(() => one.admitForgedRefresh(host))).toBeUndefined();
    expect(await outcomeOf(() => one.admitForgedRefresh('2001:db8:1:2::3'))).toBe('TOO_MANY_ATTEMPTS');
    expect(await outcomeOf(() => one.admitForgedRefresh('2001:db8:1:3::1'))).toBeUndefined();
    expect(await outcomeOf(() => other.admitForgedRefresh('2001:db8:1:2::3'))).toBeUndefined();
  });

  it('refreshes with a signed token are counted by session and address', async () => {
    const service = await processOn(connection);
    const refresh = (sessionId: string, ip: string) =>
      outcomeOf(() => service.admitRefresh({ sessionId, ip }));
    for (const host of ['2001:db8:1:2::1', '2001:db8:1:2::2'])
      expect(await refresh('one', host)).toBeUndefined();
    expect(await refresh('one', '2001:db8:1:2::3')).toBe('TOO_MANY_ATTEMPTS');
    expect(await refresh('other', '2001:db8:1:2::3')).toBeUndefined();
    // A holder of a copy at another address does not use up the owner's limit.
    expect(await refresh('one', '2001:db8:1:3::1')).toBeUndefined();
  });

  it('a known device has a separate limit, and counts for its address with five times the limit', async () => {
    const service = await processOn(connection);
    const login = (deviceId: string | null) => outcomeOf(service.admitLogin({ ip: A.ip, deviceId }));
    for (const device of ['1', '2', '3', '4', '5'])
      expect([await login(device), await login(device)]).toEqual([undefined, undefined]);
    expect(await login('1')).toBe('TOO_MANY_ATTEMPTS');
    expect(await login('6')).toBe('TOO_MANY_ATTEMPTS');
    expect(await outcomeOf(service.admitLogin({ ip: B.ip, deviceId: '6' }))).toBeUndefined();
    // Unknown devices have a separate limit.
    expect([await login(null), await login(null), await login(null)]).toEqual([
      undefined,
      undefined,
      'TOO_MANY_ATTEMPTS',
    ]);
  });

  it("password changes of a session have a separate limit, as high as an account's", async () => {
    const service = await processOn(connection);
    const change = (origin: string, sessionId: string) =>
      failuresOf(service.beginPasswordAttempt({ ...attempt(origin), sessionId }));
    for (const origin of ['a', 'b', 'c']) expect(await change(origin, 'stolen')).toBe(0);
    expect(await change('d', 'stolen')).toBe('TOO_MANY_ATTEMPTS');
    expect(await change('d', 'another')).toBe(0);
    expect(await failuresOf(service.beginPasswordAttempt(attempt('e')))).toBe(0);
  });

  it('forgives the failures of one origin at an account, and no others', async () => {
    const service = await processOn(connection);
    for (const origin of ['a', 'a', 'b']) await service.beginPasswordAttempt(attempt(origin, 'trusted'));
    expect(await failuresOf(service.beginPasswordAttempt(attempt('a', 'trusted')))).toBe('TOO_MANY_ATTEMPTS');
    await service.forgive('user@example.com', ['address:a']);
    expect(await failuresOf(service.beginPasswordAttempt(attempt('a', 'trusted')))).toBe(0);
    expect(await failuresOf(service.beginPasswordAttempt(attempt('b', 'trusted')))).toBe(1);
  });

  it('forgives the devices that count per address there, and none at an address that begins the same way', async () => {
    const service = await processOn(connection);
    const [here, there] = ['a device:phone', 'ab device:phone'];
    for (const origin of [here, there]) await service.beginPasswordAttempt(attempt(origin, 'trusted'));
    await service.forgive('user@example.com', ['address:a']);
    expect(await failuresOf(service.beginPasswordAttempt(attempt(here, 'trusted')))).toBe(0);
    expect(await failuresOf(service.beginPasswordAttempt(attempt(there, 'trusted')))).toBe(1);
  });

  it('a refused attempt is counted neither for the origin nor for the account', async () => {
    const service = await processOn(connection);
    for (const origin of ['a', 'b', 'c']) await service.beginPasswordAttempt(attempt(origin));
    for (const _ of [1, 2, 3, 4])
      expect(await failuresOf(service.beginPasswordAttempt(attempt('d')))).toBe('TOO_MANY_ATTEMPTS');
    now += 75_000;
    expect(await failuresOf(service.beginPasswordAttempt(attempt('d')))).toBe(0);
  });

  it('a client may ask without limit until its secret was wrong too many times', async () => {
    const service = await processOn(connection);
    for (const _ of [1, 2, 3]) expect(await outcomeOf(service.admitClient('gateway a'))).toBeUndefined();
    await service.clientFailed('gateway a');
    expect(await outcomeOf(service.admitClient('gateway a'))).toBeUndefined();
    await service.clientFailed('gateway a');
    expect(await outcomeOf(service.admitClient('gateway a'))).toBe('TOO_MANY_ATTEMPTS');
    expect(await outcomeOf(service.admitClient('gateway b'))).toBeUndefined();
  });

  it('mails are counted by account and kind', async () => {
    const service = await processOn(connection);
    const admit = (kind: 'password_reset' | 'email_taken', email = 'user@example.com') =>
      service.admitMail(kind, email);
    expect([await admit('password_reset'), await admit('password_reset')]).toEqual([true, true]);
    expect(await admit('password_reset')).toBe(false);
    expect([await admit('email_taken'), await admit('password_reset', 'other@example.com')]).toEqual([
      true,
      true,
    ]);
  });

  it('unlocking an account forgets its failures, and those of no other account', async () => {
    const service = await processOn(connection);
    const other = { ...attempt('a', 'trusted'), account: 'other@example.com' };
    for (const each of [attempt('a', 'trusted'), other]) await service.beginPasswordAttempt(each);
    await service.unlock('user@example.com');
    expect(await failuresOf(service.beginPasswordAttempt(attempt('a', 'trusted')))).toBe(0);
    expect(await failuresOf(service.beginPasswordAttempt(other))).toBe(1);
  });

  it('unlocking an account allows every kind of mail to it again', async () => {
    const service = await processOn(connection);
    const kinds = [
      'password_reset',
      'email_verification',
      'email_taken',
      'email_change',
      'email_change_requested',
    ] as const;
    for (const kind of kinds) {
      const admit = () => service.admitMail(kind, 'user@example.com');
      expect([kind, await admit(), await admit(), await admit()]).toEqual([kind, true, true, false]);
      await service.unlock('user@example.com');
      expect([kind, await admit()]).toEqual([kind, true]);
      await service.unlock('user@example.com');
    }
    // @ts-expect-error what unlocking does not clear cannot be counted
    await service.admitMail('new_device', 'user@example.com');
  });

  it('mails of all kinds to one account have a common limit', async () => {
    const service = await processOn(connection);
    const kinds = ['password_reset', 'email_taken', 'email_verification'] as const;
    const admitted: boolean[] = [];
    for (const kind of [...kinds, ...kinds]) admitted.push(await service.admitMail(kind, 'user@example.com'));
    expect(admitted).toEqual([true, true, true, true, false, false]);
    expect(await service.admitMail('email_taken', 'other@example.com')).toBe(true);
  });

  it('counters contain no address, and expire by a TTL index', async () => {
    const service = await processOn(connection);
    await service.admitLogin(A);
    await service.admitLogin({ ...A, deviceId: 'd' });
    await service.beginPasswordAttempt(attempt('a'));
    await service.admitMail('password_reset', 'user@example.com');
    const counters = connection.collection('throttle');
    const rows = await counters.find().toArray();
    expect(rows.map(({ key }) => String(key)).sort()).toEqual([
      expect.stringMatching(/^account:[\w-]{43}$/),
      expect.stringMatching(/^daily-mails:[\w-]{43}$/),
      expect.stringMatching(/^failures:[\w-]{43}\.address:a$/),
      'known:address:192.0.2.1',
      'login:address:192.0.2.1',
      'login:device:d',
      expect.stringMatching(/^mails:password_reset\.[\w-]{43}$/),
    ]);
    const last = Math.max(...rows.map(({ expire }) => (expire as Date).getTime() - now));
    expect(last).toBeGreaterThan(0);
    expect(last).toBeLessThanOrEqual(70_000);
    expect(await counters.listIndexes().toArray()).toContainEqual(
      expect.objectContaining({ expireAfterSeconds: 0 }),
    );
  });

  it('registers every index that it builds, so that a missing one is noticed', async () => {
    const registry = new IndexRegistry();
    await new ThrottleService(OPTIONS, new MongoCounterStore(connection, registry), clock).onModuleInit();
    const [{ collection, indexes } = { collection: '', indexes: [] }, ...others] = registry.all;
    const built = (await connection.collection(collection).listIndexes().toArray()) as IndexDescription[];
    expect(indexes.map((index) => stateOfIndex(collection, index, built).state)).toEqual(['ok', 'ok']);
    // Without the index of `_id`.
    expect(built).toHaveLength(1 + indexes.length);
    // Each key has one document, which expires with its window.
    expect(built).toEqual(
      expect.arrayContaining([
        expect.objectContaining({ key: { key: 1 }, unique: true }),
        expect.objectContaining({ key: { expire: -1 }, expireAfterSeconds: 0 }),
      ]),
    );
    expect(others).toEqual([]);
  });

  it('builds no index if the host forbids it', async () => {
    const careful = await createConnection(databaseUri('throttle'), { autoIndex: false }).asPromise();
    try {
      await (await processOn(careful)).admitLogin(A);
      const indexes = await careful.collection('throttle').listIndexes().toArray();
      expect(indexes.map(({ name }: { name: string }) => name)).toEqual(['_id_']);
    } finally {
      await careful.dropDatabase();
      await careful.close();
    }
  });

  it('is on unless the host turns it off', async () => {
    const services = [await processOn(connection), await processOn(connection, OFF)];
    expect(services.map(({ isOn }) => isOn)).toEqual([true, false]);
  });

  it('when turned off, it counts and refuses nothing', async () => {
    const service = await processOn(connection, OFF);
    for (const _ of [1, 2, 3, 4]) {
      expect(await outcomeOf(service.admitLogin(A))).toBeUndefined();
      expect(await outcomeOf(() => service.admitRefresh({ sessionId: 's', ip: A.ip }))).toBeUndefined();
      expect(await outcomeOf(() => service.admitForgedRefresh(A.ip))).toBeUndefined();
      expect(await failuresOf(service.beginPasswordAttempt(attempt('a')))).toBe(0);
      expect(await service.admitMail('password_reset', 'user@example.com')).toBe(true);
      await service.clientFailed('gateway a');
      expect(await outcomeOf(service.admitClient('gateway a'))).toBeUndefined();
    }
    const counted = await service.beginPasswordAttempt(attempt('a'));
    await counted.cancelled();
    await counted.succeeded();
    await service.forgive('user@example.com', ['address:a']);
    await service.unlock('user@example.com');
    expect(await connection.db?.listCollections().toArray()).toEqual([]);
  });

  it('without the database each process counts for itself', async () => {
    const away = { db: { collection: () => outOfReach }, get: () => false } as unknown as Connection;
    const [one, other] = [await processOn(away), await processOn(away)];
    for (const _ of [1, 2]) expect(await outcomeOf(one.admitLogin(A))).toBeUndefined();
    expect(await outcomeOf(one.admitLogin(A))).toBe('TOO_MANY_ATTEMPTS');
    expect(await outcomeOf(other.admitLogin(A))).toBeUndefined();
  });
});

/** A collection whose every method fails. */
const outOfReach = new Proxy({}, { get: () => () => Promise.reject(new Error('out of reach')) });
