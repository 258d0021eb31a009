import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { RevocationEntry, RevocationObserver, RevocationStore } from '../../src/core/ports.js';
import { WatchKeeper } from '../../src/revocation/watch-keeper.js';

const ENTRY: RevocationEntry = { key: 'sid:s1', expiresAt: new Date(0) };

type Opening = (observer: RevocationObserver) => ReturnType<NonNullable<RevocationStore['watch']>>;

let warnings: number;
let closed: number;
let happened: string[];
/** The observer of each watch that was requested from the store. */
let observers: RevocationObserver[];

beforeEach(() => {
  [warnings, closed, happened, observers] = [0, 0, [], []];
  jest.spyOn(Logger.prototype, 'warn').mockImplementation(() => void (warnings += 1));
});
afterEach(() => void jest.restoreAllMocks());

const watch = () => ({ description: 'stream', close: async () => void (closed += 1) });

function keeperOf(opening: Opening | undefined): WatchKeeper {
  const watch: Opening = (observer) => {
    observers.push(observer);
    return opening?.(observer) ?? Promise.resolve(null);
  };
  const store = opening ? { watch } : {};
  return new WatchKeeper(store as RevocationStore, {
    entriesAdded: (entries) => happened.push(...entries.map(({ key }) => key)),
    opened: ({ description }) => happened.push(`opened ${description}`),
    lost: () => happened.push('lost'),
  });
}

describe(WatchKeeper.name, () => {
  it.each<[string, Opening | undefined, number]>([
    ['has no watch', undefined, 0],
    ['finds that it has none', async () => null, 1],
  ])('asks a store that %s only once', async (_what, opening, asked) => {
    const keeper = keeperOf(opening);
    for (const _ of [1, 2, 3]) await keeper.open();
    expect([observers.length, keeper.isOpen, happened]).toEqual([asked, false, []]);
    await keeper.stop();
  });

  it('opens one watch, however many times it is asked, and passes on its entries', async () => {
    const keeper = keeperOf(async () => watch());
    await Promise.all([keeper.open(), keeper.open()]);
    await keeper.open();
    expect([observers.length, keeper.isOpen]).toEqual([1, true]);
    observers[0]?.entriesAdded([ENTRY]);
    expect(happened).toEqual(['opened stream', 'sid:s1']);
    await keeper.stop();
    expect(closed).toBe(1);
  });

  it('retries after a failure, and warns once per outage', async () => {
    let isDown = true;
    const keeper = keeperOf(async () => {
      if (isDown) throw new Error('out of reach');
      return watch();
    });
    for (const attempts of [1, 2]) {
      await keeper.open();
      expect([observers.length, keeper.isOpen, warnings]).toEqual([attempts, false, 1]);
    }
    isDown = false;
    await keeper.open();
    expect(keeper.isOpen).toBe(true);
    isDown = true;
    observers.at(-1)?.watchLost(new Error('gone'));
    expect([keeper.isOpen, warnings]).toEqual([false, 2]);
    for (const _ of [1, 2]) await keeper.open();
    expect(warnings).toBe(3);
    await keeper.stop();
  });

  it('logs a lost watch once, closes it, and opens another', async () => {
    const keeper = keeperOf(async () => watch());
    await keeper.open();
    for (const _ of [1, 2]) observers[0]?.watchLost(new Error('gone'));
    expect([closed, happened]).toEqual([1, ['opened stream', 'lost']]);
    await keeper.open();
    // The first watch does not affect the second.
    observers[0]?.watchLost(new Error('late'));
    expect([observers.length, keeper.isOpen, closed]).toEqual([2, true, 1]);
    await keeper.stop();
    expect(closed).toBe(2);
  });

  it('a lost watch that cannot be closed causes no error', async () => {
    const keeper = keeperOf(async () => ({
      description: 'stream',
      close: () => Promise.reject(new Error('the connection is gone')),
    }));
    await keeper.open();
    observers[0]?.watchLost(new Error('gone'));
    await new Promise((resolve) => setImmediate(resolve));
    await keeper.open();
    expect(keeper.isOpen).toBe(true);
    await keeper.stop();
  });

  it('does not use a watch that is lost before it is returned', async () => {
    let isBroken = true;
    const keeper = keeperOf(async (observer) => {
      if (isBroken) observer.watchLost(new Error('gone'));
      return watch();
    });
    await keeper.open();
    expect([keeper.isOpen, closed, happened]).toEqual([false, 1, []]);
    isBroken = false;
    await keeper.open();
    expect([keeper.isOpen, closed]).toEqual([true, 1]);
    await keeper.stop();
  });

  it.each(['opens', 'fails', 'turns out to have no watch'])(
    'stays stopped, even if the store %s later',
    async (how) => {
      let answer: () => void = () => undefined;
      const keeper = keeperOf(
        () =>
          new Promise((resolve, reject) => {
            answer = () => {
              if (how === 'fails') reject(new Error('out of reach'));
              else resolve(how === 'opens' ? watch() : null);
            };
          }),
      );
      void keeper.open();
      const stopped = keeper.stop();
      answer();
      await stopped;
      await keeper.open();
      expect([observers.length, keeper.isOpen, happened]).toEqual([1, false, []]);
      expect(closed).toBe(how === 'opens' ? 1 : 0);
    },
  );

  it('does not report the end of a watch that it closes itself', async () => {
    const keeper = keeperOf(async () => watch());
    await keeper.open();
    await keeper.stop();
    observers[0]?.watchLost(new Error('closed'));
    expect([happened, warnings, closed]).toEqual([['opened stream'], 0, 1]);
  });
});
