import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import type { RevocationEntry } from '../../src/core/ports.js';
import { messageOf, RedisRevocationWatch } from '../../src/revocation/redis-revocation.watch.js';

const CHANNEL = 'own:revocations';
const SILENCE_MS = 5000;
const HEARTBEAT_MS = 1000;
const ENTRY: RevocationEntry = { key: 'sid:s1', expiresAt: new Date(1_767_225_600_000) };

/** The connection of a subscriber, which the test can end. */
class FakeSubscriber {
  readonly listeners = new Map<string, (reason: unknown) => void>();
  channels: string[] = [];
  hear: (message: string, channel: string) => void = () => undefined;
  destroyed = 0;

  connect = (): Promise<unknown> => Promise.resolve();
  async subscribe(channels: string[], listener: (message: string, channel: string) => void): Promise<void> {
    this.channels = channels;
    this.hear = listener;
  }
  on(event: string, listener: (reason: unknown) => void): void {
    this.listeners.set(event, listener);
  }
  destroy(): void {
    this.destroyed += 1;
  }
}

let subscriber: FakeSubscriber;
let published: [channel: string, message: string][];
/** Whether published messages arrive, as with a healthy Redis. */
let isHealthy: boolean;
let heard: RevocationEntry[];
let lost: unknown[];

beforeEach(() => {
  jest.useFakeTimers();
  subscriber = new FakeSubscriber();
  [published, heard, lost] = [[], [], []];
  isHealthy = true;
});
afterEach(() => {
  const left = jest.getTimerCount();
  jest.useRealTimers();
  expect(left).toBe(0);
});

const open = () =>
  RedisRevocationWatch.open({
    subscriber,
    channel: CHANNEL,
    publish: async (channel, message) => {
      published.push([channel, message]);
      if (!isHealthy) throw new Error('out of reach');
      subscriber.hear(message, channel);
    },
    observer: { entriesAdded: (entries) => heard.push(...entries), watchLost: (reason) => lost.push(reason) },
  });

describe(RedisRevocationWatch.name, () => {
  it('receives the entries on its channel, and ignores everything else', async () => {
    const watch = await open();
    expect(watch.description).toBe('Redis pub/sub');
    subscriber.hear(messageOf(ENTRY), CHANNEL);
    for (const kind of ['jti', 'gen', 'ver', 'rol']) subscriber.hear(`1767225600000 ${kind}:x`, CHANNEL);
    for (const odd of [
      '',
      'x',
      '1 sid:',
      '1 foo:x',
      'x1 sid:s',
      '-1 sid:s',
      '1sid:s',
      ' 1 sid:s',
      'sid:s',
      '1 sid:s\nx',
    ])
      subscriber.hear(odd, CHANNEL);
    const others = (['jti:x', 'gen:x', 'ver:x', 'rol:x'] as const).map((key) => ({ ...ENTRY, key }));
    expect(heard).toEqual([ENTRY, ...others]);
    await watch.close();
    subscriber.hear(messageOf(ENTRY), CHANNEL);
    expect([heard.length, subscriber.destroyed, lost]).toEqual([5, 1, []]);
  });

  it('stays open while its own messages arrive, which it sends every second', async () => {
    const watch = await open();
    const [, own] = subscriber.channels;
    expect(own).toMatch(/^own:revocations:heartbeat:/);
    await jest.advanceTimersByTimeAsync(HEARTBEAT_MS - 1);
    expect(published).toEqual([]);
    await jest.advanceTimersByTimeAsync(60 * HEARTBEAT_MS);
    expect(published).toHaveLength(60);
    expect(new Set(published.map(([channel]) => channel))).toEqual(new Set([own]));
    expect([lost, heard]).toEqual([[], []]);
    await watch.close();
  });

  it('watches of two processes do not keep each other open', async () => {
    const watch = await open();
    const [, own] = subscriber.channels;
    await watch.close();
    const other = await open();
    expect(subscriber.channels[1]).not.toBe(own);
    await other.close();
  });

  it('is lost after five seconds without its own messages, and says so once, even if entries still arrive', async () => {
    await open();
    isHealthy = false;
    await jest.advanceTimersByTimeAsync(SILENCE_MS - 1);
    subscriber.hear(messageOf(ENTRY), CHANNEL);
    expect(lost).toEqual([]);
    await jest.advanceTimersByTimeAsync(1);
    expect(lost).toEqual([new Error('silent for 5000 ms')]);
    subscriber.listeners.get('end')?.(undefined);
    await jest.advanceTimersByTimeAsync(SILENCE_MS);
    expect([lost.length, subscriber.destroyed]).toEqual([1, 1]);
  });

  it.each(['error', 'reconnecting', 'end'])('is lost with its connection: %s', async (event) => {
    await open();
    subscriber.listeners.get(event)?.(new Error('gone'));
    expect(lost).toHaveLength(1);
    expect(String(lost[0])).toMatch(/gone|the connection was (lost|closed)/);
    expect(subscriber.destroyed).toBe(1);
  });

  it('does not open if Redis cannot be reached', async () => {
    subscriber.connect = () => Promise.reject(new Error('refused'));
    await expect(open()).rejects.toThrow('refused');
    expect([subscriber.destroyed, lost]).toEqual([1, []]);
  });

  it('does not open if the connection breaks in the meantime', async () => {
    subscriber.connect = () => new Promise(() => undefined);
    const opening = open();
    subscriber.listeners.get('error')?.(new Error('reset'));
    await expect(opening).rejects.toThrow('reset');
    expect(subscriber.destroyed).toBe(1);
  });

  it('waits five seconds for Redis, and leaves nothing open if that answers later', async () => {
    let connected: (value: unknown) => void = () => undefined;
    subscriber.connect = () => new Promise((resolve) => (connected = resolve));
    const opening = open().catch((error: unknown) => error);
    await jest.advanceTimersByTimeAsync(SILENCE_MS);
    expect(await opening).toMatchObject({ name: 'TimeoutError' });
    connected(undefined);
    await jest.advanceTimersByTimeAsync(0);
    expect([subscriber.destroyed, lost, jest.getTimerCount()]).toEqual([1, [], 0]);
  });

  it('can be closed twice, and after its connection', async () => {
    const watch = await open();
    subscriber.destroy = () => {
      throw new Error('the client is closed');
    };
    await watch.close();
    await watch.close();
    expect(lost).toEqual([]);
  });
});
