import { describe, expect, it } from '@jest/globals';
import { EventQueue } from '../../src/audit/event-queue.js';
import type { SecurityEvent } from '../../src/audit/security-event.js';

const event = (id: string, type: SecurityEvent['type'] = 'refresh_token.rotated'): SecurityEvent => {
  return { id, type, at: new Date(0) };
};
const theft = (id: string) => event(id, 'refresh_token.reuse_detected');
const ids = (events: readonly SecurityEvent[]) => events.map(({ id }) => id).join(' ');

describe(EventQueue.name, () => {
  it('returns security rows first, each kind in order', () => {
    const queue = new EventQueue(10);
    for (const each of [event('r1'), theft('s1'), event('r2'), theft('s2')]) queue.push(each);
    expect(ids(queue.take(3))).toBe('s1 s2 r1');
    expect(ids(queue.take(3))).toBe('r2');
    expect(queue.size).toBe(0);
  });

  it('when full, drops the oldest routine row first, and a security row only if there is no other', () => {
    const queue = new EventQueue(3);
    for (const each of [theft('s1'), event('r1'), event('r2'), theft('s2')]) queue.push(each);
    expect(queue.dropped).toBe(1);
    queue.push(theft('s3'));
    queue.push(event('r3'));
    expect({ size: queue.size, dropped: queue.dropped }).toEqual({ size: 3, dropped: 3 });
    queue.push(theft('s4'));
    expect(ids(queue.take(9))).toBe('s2 s3 s4');
    expect(queue.dropped).toBe(4);
  });

  it('rows that are put back are the oldest again', () => {
    const queue = new EventQueue(4);
    for (const each of [event('r1'), theft('s1'), event('r2')]) queue.push(each);
    const taken = queue.take(3);
    queue.push(event('r3'));
    queue.push(theft('s2'));
    queue.putBack(taken);
    expect(queue.dropped).toBe(1);
    expect(ids(queue.take(9))).toBe('s1 s2 r2 r3');
  });
});
