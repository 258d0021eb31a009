import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { EventIds, leastEventId, parseCursor, toCursor } from '../../src/audit/event-id.js';

const NOW = Date.parse('2026-01-01T00:00:00.123Z');
const newIds = () => new EventIds();

describe(EventIds.name, () => {
  it('creates version 7 UUIDs that begin with the time (RFC 9562)', () => {
    const id = newIds().next(NOW);
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(parseInt(id.replaceAll('-', '').slice(0, 12), 16)).toBe(NOW);
  });

  it('each id is greater than the one before, within a millisecond and after the clock is set back', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: -50, max: 50 }), { minLength: 2, maxLength: 60 }), (steps) => {
        const ids = newIds();
        let now = NOW;
        const made = steps.map((step) => ids.next((now += step)));
        expect(made).toEqual([...made].sort());
        expect(new Set(made).size).toBe(made.length);
      }),
    );
    const ids = newIds();
    const many = Array.from({ length: 10_000 }, () => ids.next(NOW));
    expect(many).toEqual([...many].sort());
  });

  it('the lowest id of a moment is not after any id of it, and after all ids of the moment before', () => {
    const least = leastEventId(new Date(NOW));
    expect(least <= newIds().next(NOW)).toBe(true);
    expect(least > newIds().next(NOW - 1)).toBe(true);
    for (const at of [new Date(-1), new Date(8.64e15)]) expect(leastEventId(at)).toHaveLength(36);
  });
});

describe(parseCursor, () => {
  it('reads back what was made of an id', () => {
    const id = newIds().next(NOW);
    expect(toCursor(id)).toMatch(/^[\w-]{22}$/);
    expect(parseCursor(toCursor(id))).toBe(id);
  });

  it.each([
    ['empty', ''],
    ['short', 'abc'],
    ['of another version', Buffer.alloc(16, 0x11).toString('base64url')],
    ['with non-zero unused bits', `${toCursor(newIds().next(NOW)).slice(0, -1)}B`],
    ['with padding', `${toCursor(newIds().next(NOW)).slice(0, -1)}=`],
    ['an operator', '{"$gt":""}'],
    ['long', 'A'.repeat(5000)],
  ])('refuses one that is %s', (_, cursor) => {
    expect(parseCursor(cursor)).toBeNull();
  });
});
