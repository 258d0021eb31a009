import { describe, expect, it } from '@jest/globals';
import type { PasswordHasher } from '../../src/core/ports.js';
import { QueuedPasswordHasher } from '../../src/users/queued-password-hasher.js';

/** A hasher whose work ends when the test says so. */
class HeldHasher implements PasswordHasher {
  readonly running: (() => void)[] = [];
  most = 0;

  hash(password: string): Promise<string> {
    return new Promise((resolve) => {
      this.running.push(() => resolve(`hash of ${password}`));
      this.most = Math.max(this.most, this.running.length);
    });
  }

  async verify(password: string, stored: string): Promise<boolean> {
    return (await this.hash(password)) === stored;
  }

  needsUpgrade(stored: string): boolean {
    return stored === 'weak';
  }

  finishOne(): void {
    this.running.shift()?.();
  }
}

const turn = () => new Promise((resolve) => setImmediate(resolve));

describe(QueuedPasswordHasher, () => {
  it('runs at most the allowed number of hashes at once, and all of them in order', async () => {
    const held = new HeldHasher();
    const hasher = new QueuedPasswordHasher(held, 2, 10);
    const order: string[] = [];
    const all = ['a', 'b', 'c', 'd'].map((password) =>
      hasher.hash(password).then((hash) => order.push(hash)),
    );
    for (let round = 0; round < 4; round += 1) {
      await turn();
      held.finishOne();
    }
    await Promise.all(all);
    expect(held.most).toBe(2);
    expect(order).toEqual(['hash of a', 'hash of b', 'hash of c', 'hash of d']);
  });

  it('a flood beyond the queue gets Retry-After, and waiting requests are served', async () => {
    const held = new HeldHasher();
    const hasher = new QueuedPasswordHasher(held, 1, 2);
    const running = hasher.verify('a', 'hash of a');
    await turn();
    const waiting = [hasher.hash('b'), hasher.hash('c')];
    await turn();
    expect(hasher.stats).toEqual({ running: 1, concurrency: 1, waiting: 2, queueLimit: 2, refused: 0 });
    await expect(hasher.hash('d')).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE', retryAfter: 2 });
    await expect(hasher.verify('d', 'x')).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    for (let round = 0; round < 3; round += 1) {
      held.finishOne();
      await turn();
    }
    expect(await running).toBe(true);
    expect(await Promise.all(waiting)).toEqual(['hash of b', 'hash of c']);
    expect(hasher.stats).toEqual({ running: 0, concurrency: 1, waiting: 0, queueLimit: 2, refused: 2 });
  });

  it('an address and an account get a quarter of the queue each, and others continue', async () => {
    const held = new HeldHasher();
    const hasher = new QueuedPasswordHasher(held, 1, 8);
    const by = (address: string, account: string) => hasher.hash('x', { address, account });
    const running = by('a', '1');
    await turn();
    const waiting = [by('a', '2'), by('a', '3')];
    await expect(by('a', '4')).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE', retryAfter: 2 });
    waiting.push(by('b', '5'), by('c', '5'));
    await expect(by('d', '5')).rejects.toMatchObject({ code: 'TEMPORARILY_UNAVAILABLE' });
    waiting.push(by('d', '6'), hasher.hash('of nobody'));
    expect(hasher.stats).toMatchObject({ running: 1, waiting: 6, refused: 2 });
    for (let round = 0; round < 7; round += 1) {
      held.finishOne();
      await turn();
    }
    await Promise.all([running, ...waiting]);
    expect(hasher.stats).toMatchObject({ running: 0, waiting: 0 });
    await Promise.all([by('a', '5'), turn().then(() => held.finishOne())]);
  });

  it('waiting addresses take turns, so one with many hashes does not block one with a single hash', async () => {
    const held = new HeldHasher();
    const hasher = new QueuedPasswordHasher(held, 1, 40);
    const order: string[] = [];
    const by = (address: string, account: string) =>
      hasher.hash('x', { address, account }).then(() => order.push(address));
    const all = ['1', '2', '3', '4', '5'].map((account) => by('a', account));
    all.push(by('b', '6'));
    for (let round = 0; round < 6; round += 1) {
      await turn();
      held.finishOne();
    }
    await Promise.all(all);
    expect(order.indexOf('b')).toBeLessThanOrEqual(1);
  });

  it('if several run at once, one address runs at most a quarter of them', async () => {
    const held = new HeldHasher();
    const hasher = new QueuedPasswordHasher(held, 8, 40);
    const by = (address: string, account: string) => hasher.hash('x', { address, account });
    const all = ['1', '2', '3', '4'].map((account) => by('a', account));
    await turn();
    expect(hasher.stats).toMatchObject({ running: 2, waiting: 2 });
    all.push(...['5', '6'].map((account) => by('b', account)));
    await turn();
    expect(hasher.stats).toMatchObject({ running: 4, waiting: 2 });
    while (hasher.stats.running > 0) {
      held.finishOne();
      await turn();
    }
    await Promise.all(all);
    const unshared = new QueuedPasswordHasher(held, 8, 40, false);
    const free = Promise.all(['1', '2', '3'].map((account) => unshared.hash('x', { address: 'a', account })));
    await turn();
    expect(unshared.stats.running).toBe(3);
    while (unshared.stats.running > 0) {
      held.finishOne();
      await turn();
    }
    await free;
  });

  it('a failed hash frees its place', async () => {
    const broken = {
      hash: () => Promise.reject(new Error('no')),
      verify: () => Promise.resolve(true),
      needsUpgrade: () => false,
    };
    const hasher = new QueuedPasswordHasher(broken, 1, 1);
    for (const _ of [1, 2])
      await expect(hasher.hash('a', { address: 'a', account: '1' })).rejects.toThrow('no');
    expect(await hasher.verify('a', 'b')).toBe(true);
  });

  it('asks the inner hasher which hashes need an upgrade', () => {
    const hasher = new QueuedPasswordHasher(new HeldHasher(), 1, 1);
    expect([hasher.needsUpgrade('weak'), hasher.needsUpgrade('strong')]).toEqual([true, false]);
  });
});
