import { afterEach, beforeEach, describe, expect, it, jest } from '@jest/globals';
import { Logger } from '@nestjs/common';
import type { RefreshTokenStore } from '../../src/core/refresh-token.store.js';
import { GenerationConfirmer } from '../../src/tokens/generation-confirmer.js';

const T0 = Date.parse('2026-01-01T00:00:00.000Z');
const MAX_WAITING = 10_000;

/** A store whose confirmations finish when and how the test decides. */
class Confirmations {
  readonly asked: { id: string; generation: number; now: Date }[] = [];
  down = false;
  /** While set, confirmations wait here in the order of the calls. */
  held: (() => void)[] | null = null;

  confirm = async (id: string, generation: number, now: Date): Promise<void> => {
    this.asked.push({ id, generation, now });
    if (this.held) {
      const { held } = this;
      return new Promise((resolve) => held.push(resolve));
    }
    if (this.down) throw new Error('out of reach');
  };

  get pairs(): [id: string, generation: number][] {
    return this.asked.map(({ id, generation }) => [id, generation]);
  }
}

let store: Confirmations;
let confirmer: GenerationConfirmer;
let warnings: string[];

beforeEach(() => {
  jest.useFakeTimers();
  warnings = [];
  jest
    .spyOn(Logger.prototype, 'warn')
    .mockImplementation((message: unknown) => void warnings.push(String(message)));
  store = new Confirmations();
  confirmer = new GenerationConfirmer(store as unknown as RefreshTokenStore, { now: () => T0 });
});
afterEach(() => {
  jest.useRealTimers();
  jest.restoreAllMocks();
});

describe(GenerationConfirmer.name, () => {
  it('records the first use of a generation', async () => {
    confirmer.see('s1', 0);
    await confirmer.settled();
    expect(store.asked).toEqual([{ id: 's1', generation: 0, now: new Date(T0) }]);
  });

  it('confirms a generation once, however many times it is used', async () => {
    for (let use = 0; use < 100; use++) confirmer.see('s1', 3);
    await confirmer.settled();
    confirmer.see('s1', 3);
    expect(store.pairs).toEqual([['s1', 3]]);
  });

  it('records each generation and each session separately', async () => {
    confirmer.see('s1', 0);
    confirmer.see('s2', 0);
    confirmer.see('s1', 1);
    await confirmer.settled();
    expect(store.pairs).toEqual([
      ['s1', 0],
      ['s2', 0],
      ['s1', 1],
    ]);
  });

  it('ignores generations older than the newest seen one', async () => {
    confirmer.see('s1', 5);
    confirmer.see('s1', 4);
    await confirmer.settled();
    expect(store.pairs).toEqual([['s1', 5]]);
  });

  it('returns before the write is finished, so it never delays a request', () => {
    store.held = [];
    expect(confirmer.see('s1', 0)).toBeUndefined();
    expect(store.pairs).toEqual([['s1', 0]]);
  });

  it("retries until the write succeeds, within half a second (the contract's bound), and then stops", async () => {
    store.down = true;
    confirmer.see('s1', 2);
    await confirmer.settled();
    for (let attempt = 2; attempt <= 20; attempt++) {
      await jest.advanceTimersByTimeAsync(500);
      expect(store.asked.length).toBeGreaterThanOrEqual(attempt);
    }
    store.down = false;
    const failed = store.asked.length;
    await jest.advanceTimersByTimeAsync(500);
    expect(store.asked.length).toBe(failed + 1);
    await jest.advanceTimersByTimeAsync(60_000);
    expect(store.asked.length).toBe(failed + 1);
    expect(jest.getTimerCount()).toBe(0);
    expect(new Set(store.pairs.map(String))).toEqual(new Set(['s1,2']));
  });

  it('retries one confirmation per session at a time, however many uses there are during an outage', async () => {
    store.down = true;
    confirmer.see('s1', 2);
    await confirmer.settled();
    for (let use = 0; use < 50; use++) confirmer.see('s1', 2);
    expect(store.asked).toHaveLength(1);
    await jest.advanceTimersByTimeAsync(200);
    expect(store.asked).toHaveLength(2);
    expect(jest.getTimerCount()).toBe(1);
  });

  it('forgets an outage once it is over, so the next one repeats nothing of it', async () => {
    store.down = true;
    confirmer.see('s1', 0);
    await confirmer.settled();
    store.down = false;
    await jest.advanceTimersByTimeAsync(500);
    store.down = true;
    confirmer.see('s2', 0);
    await confirmer.settled();
    store.down = false;
    store.asked.length = 0;
    await jest.advanceTimersByTimeAsync(500);
    expect(store.pairs).toEqual([['s2', 0]]);
  });

  it('a newer generation replaces one that still waits for the database', async () => {
    store.down = true;
    confirmer.see('s1', 1);
    await confirmer.settled();
    confirmer.see('s1', 2);
    await confirmer.settled();
    store.down = false;
    store.asked.length = 0;
    await jest.advanceTimersByTimeAsync(500);
    expect(store.pairs).toEqual([['s1', 2]]);
  });

  it('never throws or rejects: a request must not fail because of a confirmation', async () => {
    store.down = true;
    expect(() => confirmer.see('s1', 0)).not.toThrow();
    await expect(confirmer.settled()).resolves.toBeUndefined();
    await jest.advanceTimersByTimeAsync(1000);
    await expect(confirmer.settled()).resolves.toBeUndefined();
  });

  it('warns when an outage begins, not for every session or retry in it', async () => {
    store.down = true;
    for (let session = 0; session < 50; session++) confirmer.see(`s${session}`, 0);
    await jest.advanceTimersByTimeAsync(2_000);
    expect(warnings).toEqual([expect.stringContaining('out of reach')]);
    store.down = false;
    await jest.advanceTimersByTimeAsync(500);
    store.down = true;
    confirmer.see('later', 0);
    await confirmer.settled();
    expect(warnings).toHaveLength(2);
  });

  it('is bounded in an outage; dropped confirmations are recorded at the next use', async () => {
    store.down = true;
    for (let session = 0; session <= MAX_WAITING; session++) confirmer.see(`s${session}`, 0);
    await confirmer.settled();
    store.down = false;
    store.asked.length = 0;
    await jest.advanceTimersByTimeAsync(500);
    expect(store.asked).toHaveLength(MAX_WAITING);
    const retried = new Set(store.asked.map(({ id }) => id));
    const [forgotten] = Array.from({ length: MAX_WAITING + 1 }, (_, session) => `s${session}`).filter(
      (id) => !retried.has(id),
    );
    store.asked.length = 0;
    confirmer.see(forgotten ?? '', 0);
    confirmer.see('s0', 0);
    expect(store.pairs).toEqual([[forgotten, 0]]);
  });

  describe('at shutdown', () => {
    it('waits for writes in progress', async () => {
      store.held = [];
      confirmer.see('s1', 0);
      let ended = false;
      const shutdown = confirmer.beforeApplicationShutdown().then(() => (ended = true));
      await jest.advanceTimersByTimeAsync(0);
      expect(ended).toBe(false);
      store.held[0]?.();
      await shutdown;
      expect(ended).toBe(true);
    });

    it('leaves no timer running, even if confirmations are waiting', async () => {
      store.down = true;
      confirmer.see('s1', 0);
      await confirmer.beforeApplicationShutdown();
      expect(jest.getTimerCount()).toBe(0);
    });
  });

  it('keeps the newer of two failed confirmations, whatever their order', async () => {
    const failures: (() => void)[] = [];
    const confirm = store.confirm;
    store.confirm = (id, generation, now) => {
      store.asked.push({ id, generation, now });
      return new Promise((_resolve, reject) => failures.push(() => reject(new Error('out of reach'))));
    };
    confirmer.see('s1', 1);
    confirmer.see('s1', 2);
    failures[1]?.();
    failures[0]?.();
    await confirmer.settled();
    store.confirm = confirm;
    store.asked.length = 0;
    await jest.advanceTimersByTimeAsync(1000);
    expect(store.pairs).toEqual([['s1', 2]]);
  });

  it('retries waiting confirmations once at shutdown', async () => {
    store.down = true;
    confirmer.see('s1', 4);
    await confirmer.settled();
    store.down = false;
    await confirmer.beforeApplicationShutdown();
    expect(store.pairs).toEqual([
      ['s1', 4],
      ['s1', 4],
    ]);
  });
});
