/** @jest-environment ./packages/client/test/support/dom-environment.js */
import { describe, expect, it, jest } from '@jest/globals';
import { ADA } from './support/browser.js';
import { stage } from './support/stage.js';

const on = stage();

describe('subscribe', () => {
  it('calls at once and with every new state, until it is unsubscribed', async () => {
    const { auth } = on.browser.tab();
    const seen: string[] = [];
    const end = auth.subscribe(({ status }) => void seen.push(status));
    await auth.restore();
    await auth.login(ADA);
    const state = auth.getState();
    expect(auth.getState()).toBe(state);
    await auth.logout();
    end();
    await auth.login(ADA);
    expect(seen).toEqual(['unknown', 'signed-out', 'signed-in', 'signed-out']);
  });

  it('a listener that throws disturbs neither the client nor the next listener', async () => {
    const thrown: unknown[] = [];
    const real = globalThis.queueMicrotask;
    const caught = (task: () => void) =>
      real(() => {
        try {
          task();
        } catch (error) {
          thrown.push(error);
        }
      });
    globalThis.queueMicrotask = caught;
    try {
      const { auth } = on.browser.tab();
      const next = jest.fn();
      auth.subscribe(() => {
        throw new Error('a bug of the page');
      });
      auth.subscribe(next);
      await auth.login(ADA);
      expect(next).toHaveBeenCalledTimes(2);
      expect(thrown).toEqual([new Error('a bug of the page'), new Error('a bug of the page')]);
    } finally {
      globalThis.queueMicrotask = real;
    }
  });
});
