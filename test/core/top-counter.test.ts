import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { mergeTops, TopCounter } from '../../src/core/top-counter.js';

const CAPACITY = 8;

describe(TopCounter.name, () => {
  it('holds every key above its share in bounded memory, with bounds that hold, whatever comes', () => {
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

  it('gives the most frequent first, and merges the lists of several processes', () => {
    const [one, other] = [new TopCounter(CAPACITY), new TopCounter(CAPACITY)];
    for (const key of ['a', 'b', 'b']) one.add(key);
    for (const key of ['a', 'a', 'c']) other.add(key);
    expect(one.top(1)).toEqual([{ key: 'b', count: 2, error: 0 }]);
    expect(mergeTops([one.top(), other.top()], 2)).toEqual([
      { key: 'a', count: 3, error: 0 },
      { key: 'b', count: 2, error: 0 },
    ]);
  });
});
