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
  it('hashes no more at once than it may, and all in the end, in order', async () => {
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

  it('a flood beyond the queue is told to come back, and those who wait are served', async () => {
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

  it('a hash that fails frees its place', async () => {
    const broken = {
      hash: () => Promise.reject(new Error('no')),
      verify: () => Promise.resolve(true),
      needsUpgrade: () => false,
    };
    const hasher = new QueuedPasswordHasher(broken, 1, 1);
    await expect(hasher.hash('a')).rejects.toThrow('no');
    expect(await hasher.verify('a', 'b')).toBe(true);
  });

  it('asks the hasher itself what is weak', () => {
    const hasher = new QueuedPasswordHasher(new HeldHasher(), 1, 1);
    expect([hasher.needsUpgrade('weak'), hasher.needsUpgrade('strong')]).toEqual([true, false]);
  });
});
