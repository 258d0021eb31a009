import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { TopCounter } from '../../src/audit/top-counter.js';

const CAPACITY = 8;

describe(TopCounter.name, () => {
  it('for any input, holds every key above its share in bounded memory, with correct bounds', () => {
    const stream = fc.array(
      fc.oneof(
        { weight: 1, arbitrary: fc.constantFrom('a', 'b', 'c') },
        { weight: 2, arbitrary: fc.nat(400).map((n) => `one-off ${n}`) },
      ),
      { maxLength: 400 },
    );
    fc.assert(
      fc.property(stream, (keys) => {
        const counter = new TopCounter(CAPACITY);
        const truth = new Map<string, number>();
        for (const key of keys) {
          counter.add(key);
          truth.set(key, (truth.get(key) ?? 0) + 1);
        }
        const top = counter.top();
        expect(top.length).toBeLessThanOrEqual(CAPACITY);
        for (const { key, count, error } of top) {
          const real = truth.get(key) ?? 0;
          expect(count).toBeGreaterThanOrEqual(real);
          expect(count - error).toBeLessThanOrEqual(real);
        }
        for (const [key, count] of truth)
          if (count > keys.length / CAPACITY) expect(top.map((entry) => entry.key)).toContain(key);
      }),
    );
  });

  it('returns the most frequent first', () => {
    const counter = new TopCounter(CAPACITY);
    for (const key of ['a', 'b', 'b']) counter.add(key);
    expect(counter.top(1)).toEqual([{ key: 'b', count: 2, error: 0 }]);
  });
});

describe('a TopCounter of the lists of others', () => {
  /** The lists that counters make of these streams. */
  const listsOf = (streams: readonly (readonly string[])[]) =>
    streams.map((keys) => {
      const counter = new TopCounter(CAPACITY);
      for (const key of keys) counter.add(key);
      return counter.top();
    });

  const merged = (streams: readonly (readonly string[])[], capacity = 1000) => {
    const counter = new TopCounter(capacity);
    for (const list of listsOf(streams)) counter.addList(list);
    return counter;
  };

  it('adds up the lists of several days and processes', () => {
    expect(
      merged([
        ['a', 'b', 'b'],
        ['a', 'a', 'c'],
      ]).top(2),
    ).toEqual([
      { key: 'a', count: 3, error: 0 },
      { key: 'b', count: 2, error: 0 },
    ]);
  });

  it('accounts for keys that a full list may have dropped', () => {
    const flood = Array.from({ length: 40 }, (_, n) => `one-off ${n}`);
    const [entry] = merged([['a', 'a', 'a', ...flood], Array<string>(20).fill('a')]).top(1);
    expect(entry?.key).toBe('a');
    expect(entry?.count).toBeGreaterThanOrEqual(23);
    expect((entry?.count ?? 0) - (entry?.error ?? 0)).toBeLessThanOrEqual(23);
  });

  it('ranks a frequent key of an ordinary day above the noise of a flood', () => {
    const flood = Array.from({ length: 4000 }, (_, n) => `one-off ${n}`);
    const [first] = merged([flood, Array<string>(100).fill('a')]).top(1);
    expect(first).toMatchObject({ key: 'a' });
  });

  it('for any input, has correct bounds in bounded memory', () => {
    const key = fc.oneof(
      { weight: 1, arbitrary: fc.constantFrom('a', 'b', 'c') },
      { weight: 2, arbitrary: fc.nat(100).map((n) => `one-off ${n}`) },
    );
    const streams = fc.array(fc.array(key, { maxLength: 60 }), { maxLength: 12 });
    fc.assert(
      fc.property(streams, fc.constantFrom(2, 5, 1000), (given, capacity) => {
        const truth = new Map<string, number>();
        for (const each of given.flat()) truth.set(each, (truth.get(each) ?? 0) + 1);
        const top = merged(given, capacity).top(1000);
        expect(top.length).toBeLessThanOrEqual(capacity);
        for (const { key: name, count, error } of top) {
          expect(count).toBeGreaterThanOrEqual(truth.get(name) ?? 0);
          expect(count - error).toBeLessThanOrEqual(truth.get(name) ?? 0);
          expect(error).toBeGreaterThanOrEqual(0);
        }
      }),
    );
  });
});
