import { expect, it } from '@jest/globals';
import type { RefreshTokenStore } from '../../src/core/refresh-token.store.js';
import { refreshTokenStoreConformance, type StoreFault } from '../../src/testing/index.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';

/** The names of the tests that this store fails. */
async function failures(store: RefreshTokenStore, fail?: (fault: StoreFault) => void): Promise<string[]> {
  const tests: { name: string; body: () => Promise<void> }[] = [];
  refreshTokenStoreConformance({
    createStore: () => store,
    fail: fail && ((_store, fault) => fail(fault)),
    describe: (_name, body) => body(),
    it: (name, body) => tests.push({ name, body }),
  });
  expect(tests.length).toBeGreaterThan(30);
  const failed: string[] = [];
  for (const { name, body } of tests) await body().catch(() => failed.push(name));
  return failed;
}

const pause = () => new Promise((resolve) => setImmediate(resolve));

/** Reads, then writes, like a store that uses `SELECT` and `UPDATE` without a condition. */
class ReadThenWrite extends InMemoryRefreshTokenStore {
  override async rotate(command: Parameters<RefreshTokenStore['rotate']>[0]) {
    const before = this.sessions.get(command.sessionId);
    await pause();
    const now = this.sessions.get(command.sessionId);
    if (before && now) this.sessions.set(before.id, { ...now, tokenHash: before.tokenHash });
    return super.rotate(command);
  }
}

class ForgetsRevoked extends InMemoryRefreshTokenStore {
  override async findById(id: string) {
    const session = await super.findById(id);
    return session?.revokedAt ? null : session;
  }
}

class LosesMilliseconds extends InMemoryRefreshTokenStore {
  override async create(session: Parameters<RefreshTokenStore['create']>[0]) {
    const seconds = Math.floor(session.lastUsedAt.getTime() / 1000) * 1000;
    await super.create({ ...session, lastUsedAt: new Date(seconds) });
  }
}

class AnswersText extends InMemoryRefreshTokenStore {
  override async findById(id: string) {
    return JSON.parse(JSON.stringify(await super.findById(id)));
  }
}

it('passes a correct store', async () => {
  expect(await failures(new InMemoryRefreshTokenStore())).toEqual([]);
});

it.each([
  [ReadThenWrite, ['exactly one of 64 concurrent rotations of a token succeeds']],
  [
    ForgetsRevoked,
    [
      'returns every member of a created session',
      'a rotation during a revocation leaves a complete, ended session',
    ],
  ],
  [LosesMilliseconds, ['keeps milliseconds']],
  [AnswersText, ['returns every member of a created session']],
])('fails a broken store: %p', async (Store, expected) => {
  expect(await failures(new Store())).toEqual(expect.arrayContaining(expected));
});

it('fails a store that treats an error as a missing session, or reports it as a bug', async () => {
  let next: StoreFault | null = null;
  class Swallows extends InMemoryRefreshTokenStore {
    override async findById(id: string) {
      const isLost = next !== null;
      next = null;
      return isLost ? null : super.findById(id);
    }
    override async rotate(command: Parameters<RefreshTokenStore['rotate']>[0]) {
      if (next === null) return super.rotate(command);
      next = null;
      throw new Error('connection terminated');
    }
  }
  const failed = await failures(new Swallows(), (fault) => (next = fault));
  expect(failed).toEqual(
    expect.arrayContaining([
      'a read (unreachable) never reports an existing session as missing',
      'a rotation that does not arrive is applied completely or not at all',
    ]),
  );
});

it('the suite reports two stores that share no data', async () => {
  const tests = new Map<string, () => Promise<void>>();
  refreshTokenStoreConformance({
    createStore: () => new InMemoryRefreshTokenStore(),
    describe: (_name, body) => body(),
    it: (name, body) => tests.set(name, body),
  });
  await expect(tests.get('one process reads what another one wrote')?.()).rejects.toThrow(/on the same data/);
});
