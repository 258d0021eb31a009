import { describe, expect, it } from '@jest/globals';
import { AbandonedGenerations } from '../../src/tokens/abandoned-generations.js';

describe(AbandonedGenerations.name, () => {
  it('skips only generations after the presented one that are all revoked', () => {
    const known = new AbandonedGenerations();
    expect(known.firstAfter('s', 0, 3)).toBe(1);
    known.note('s', 0, 3);
    expect(known.firstAfter('s', 0, 4)).toBe(4);
    expect(known.firstAfter('s', 2, 4)).toBe(4);
    expect(known.firstAfter('s', 5, 7)).toBe(6);
    expect(known.firstAfter('other', 0, 4)).toBe(1);
    // Generations 4 and 5 lie between the two: they were never abandoned.
    known.note('s', 5, 7);
    expect(known.firstAfter('s', 0, 8)).toBe(1);
    expect(known.firstAfter('s', 4, 8)).toBe(5);
    expect(known.firstAfter('s', 5, 8)).toBe(8);
  });

  it('joins ranges that touch', () => {
    const known = new AbandonedGenerations();
    known.note('s', 0, 3);
    known.note('s', 3, 5);
    expect(known.firstAfter('s', 0, 6)).toBe(6);
    known.note('t', 2, 3);
    known.note('t', 0, 4);
    expect(known.firstAfter('t', 0, 5)).toBe(5);
  });

  it('forgets a session that counts from a lower number, as one from a backup does', () => {
    const known = new AbandonedGenerations();
    known.note('s', 0, 9);
    expect(known.firstAfter('s', 0, 2)).toBe(1);
    expect(known.firstAfter('s', 0, 10)).toBe(1);
  });

  it('is bounded', () => {
    const known = new AbandonedGenerations();
    for (let id = 0; id <= 10_000; id += 1) known.note(String(id), 0, 1);
    expect([known.firstAfter('0', 0, 2), known.firstAfter('1', 0, 2)]).toEqual([1, 2]);
  });
});
