import { describe, expect, it } from '@jest/globals';
import type { ActivityUse } from '../../src/core/anomaly.js';
import { countSharedUse, type SharedUse } from '../../src/core/shared-use.js';

const from = (ip: string): ActivityUse => ({ ip, userAgent: 'a', at: new Date(0) });
const HOME = from('192.0.2.7');
const ELSEWHERE = from('198.51.100.7');
const THIRD = from('203.0.113.7');

/** The result after these generations, each made by one use and served to another. */
function counted(...served: readonly (readonly [number, ActivityUse, ActivityUse])[]): SharedUse | null {
  return served.reduce<SharedUse | null>(
    (before, [generation, maker, use]) => countSharedUse(before, generation, maker, use),
    null,
  );
}

describe(countSharedUse.name, () => {
  it('counts consecutive generations that were served to two networks', () => {
    expect(counted([3, HOME, ELSEWHERE])).toMatchObject({ generation: 3, generations: 1 });
    const three = counted([3, HOME, ELSEWHERE], [4, HOME, ELSEWHERE], [5, HOME, ELSEWHERE]);
    expect(three).toMatchObject({ generation: 5, generations: 3 });
  });

  it('counts the same two networks in either order', () => {
    const twice = counted([3, HOME, ELSEWHERE], [4, ELSEWHERE, HOME]);
    expect(twice).toMatchObject({ generation: 4, generations: 2 });
  });

  it('counts a generation once, however often it is served', () => {
    const once = counted([3, HOME, ELSEWHERE]);
    expect(countSharedUse(once, 3, HOME, ELSEWHERE)).toBe(once);
    expect(countSharedUse(once, 3, ELSEWHERE, HOME)).toBe(once);
  });

  it('restarts after a generation that was not shared', () => {
    expect(counted([3, HOME, ELSEWHERE], [5, HOME, ELSEWHERE])).toMatchObject({
      generation: 5,
      generations: 1,
    });
    expect(counted([3, HOME, ELSEWHERE], [2, HOME, ELSEWHERE])).toMatchObject({ generations: 1 });
  });

  it('restarts with other networks, also within a generation', () => {
    const first = counted([3, HOME, ELSEWHERE]);
    for (const generation of [3, 4]) {
      const other = countSharedUse(first, generation, HOME, THIRD);
      expect(other).toMatchObject({ generation, generations: 1 });
      expect(other?.pair).not.toBe(first?.pair);
    }
  });

  it('counts nothing within one network, or if a network is unknown', () => {
    const before = counted([3, HOME, ELSEWHERE]);
    expect(countSharedUse(before, 4, HOME, from('192.0.2.99'))).toBe(before);
    expect(countSharedUse(before, 4, null, HOME)).toBe(before);
    expect(countSharedUse(before, 4, from('unknown'), HOME)).toBe(before);
    expect(countSharedUse(before, 4, HOME, from('unknown'))).toBe(before);
  });

  it('stores no address: the networks cannot be read from a session', () => {
    const pair = counted([3, HOME, ELSEWHERE])?.pair;
    expect(pair).toMatch(/^[\w-]{8}$/);
    expect(pair).not.toMatch(/192|198/);
  });
});
