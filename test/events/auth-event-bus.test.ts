import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import { EventEmitter2 } from '@nestjs/event-emitter';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';

const EVENT = { userId: 'user-1', source: { ip: '192.0.2.1', userAgent: null } };

let logged: string[];

beforeEach(() => {
  logged = [];
  jest
    .spyOn(Logger.prototype, 'error')
    .mockImplementation((message: unknown) => void logged.push(String(message)));
});
afterEach(() => {
  jest.restoreAllMocks();
});

describe(AuthEventBus.name, () => {
  it('passes the payload to every handler of the event, and to no other', async () => {
    const bus = new AuthEventBus(null);
    const heard: unknown[] = [];
    bus.on('password.changed', (payload) => heard.push(['first', payload]));
    bus.on('password.changed', (payload) => heard.push(['second', payload]));
    bus.on('user.disabled', (payload) => heard.push(['other', payload]));
    await bus.emit('password.changed', EVENT);
    expect(heard).toEqual([
      ['first', EVENT],
      ['second', EVENT],
    ]);
  });

  it('without a handler nothing happens', async () => {
    await expect(new AuthEventBus(null).emit('password.changed', EVENT)).resolves.toBeUndefined();
  });

  it('ends only the subscription whose function is called', async () => {
    const bus = new AuthEventBus(null);
    const [gone, staying] = [jest.fn(), jest.fn()];
    const unsubscribe = bus.on('password.changed', gone);
    bus.on('password.changed', staying);
    unsubscribe();
    unsubscribe();
    await bus.emit('password.changed', EVENT);
    expect(gone).not.toHaveBeenCalled();
    expect(staying).toHaveBeenCalledTimes(1);
  });

  it('a handler may end its own subscription, or begin another, while it is called', async () => {
    const bus = new AuthEventBus(null);
    const late = jest.fn();
    const once = jest.fn(() => {
      unsubscribe();
      bus.on('password.changed', late);
    });
    const unsubscribe = bus.on('password.changed', once);
    await bus.emit('password.changed', EVENT);
    expect(late).not.toHaveBeenCalled();
    await bus.emit('password.changed', EVENT);
    expect(once).toHaveBeenCalledTimes(1);
    expect(late).toHaveBeenCalledTimes(1);
  });

  it('can be awaited: it resolves when the slowest handler has finished', async () => {
    const bus = new AuthEventBus(null);
    let finish: (() => void) | undefined;
    bus.on('password.changed', () => new Promise<void>((resolve) => (finish = resolve)));
    let ended = false;
    const emitted = bus.emit('password.changed', EVENT).then(() => (ended = true));
    await new Promise((resolve) => setImmediate(resolve));
    expect(ended).toBe(false);
    finish?.();
    await emitted;
    expect(ended).toBe(true);
  });

  it.each([
    [
      'throws',
      () => {
        throw new Error('mail server gone');
      },
    ],
    ['rejects', () => Promise.reject(new Error('mail server gone'))],
  ])(
    'a handler that %s is logged, and affects neither the request nor the other handlers',
    async (_how, failing) => {
      const bus = new AuthEventBus(null);
      const other = jest.fn();
      bus.on('password.changed', failing);
      bus.on('password.changed', other);
      await expect(bus.emit('password.changed', EVENT)).resolves.toBeUndefined();
      expect(other).toHaveBeenCalledWith(EVENT);
      expect(logged).toEqual(['a handler of password.changed failed: Error: mail server gone']);
    },
  );

  it('also emits through the host’s own emitter, for @OnEvent', async () => {
    const emitter = new EventEmitter2();
    const bus = new AuthEventBus(emitter);
    const [own, hosts] = [jest.fn(), jest.fn()];
    bus.on('password.changed', own);
    emitter.on('password.changed', hosts);
    await bus.emit('password.changed', EVENT);
    expect(own).toHaveBeenCalledWith(EVENT);
    expect(hosts).toHaveBeenCalledWith(EVENT);
  });

  it('waits for the host’s handlers, and logs one that rejects', async () => {
    const emitter = new EventEmitter2();
    const bus = new AuthEventBus(emitter);
    emitter.on('password.changed', jest.fn().mockRejectedValue(new Error('queue full') as never));
    await expect(bus.emit('password.changed', EVENT)).resolves.toBeUndefined();
    expect(logged).toEqual(['a handler of password.changed failed: Error: queue full']);
  });

  it('survives a listener of the host that throws synchronously', async () => {
    const emitter = new EventEmitter2();
    const bus = new AuthEventBus(emitter);
    emitter.on('password.changed', () => {
      throw new Error('broken listener');
    });
    await expect(bus.emit('password.changed', EVENT)).resolves.toBeUndefined();
    expect(logged).toEqual(['a handler of password.changed failed: Error: broken listener']);
  });

  it('a handler that blocks does not delay the request that caused the event', async () => {
    const bus = new AuthEventBus(null);
    const order: string[] = [];
    bus.on('password.changed', () => order.push('handled'));
    const emitted = bus.emit('password.changed', EVENT);
    await Promise.resolve().then(() => order.push('answered'));
    await emitted;
    expect(order).toEqual(['answered', 'handled']);
  });
});
