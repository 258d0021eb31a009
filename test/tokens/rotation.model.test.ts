import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { RotationWorld } from '../support/rotation-world.js';

// test/race/proof.test.ts covers the other invariants, and these in sequences of requests.
describe('the invariants of rotation', () => {
  it('1, 4: concurrent refreshes and a logout, their store calls in any order', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.scheduler(),
        fc.integer({ min: 2, max: 6 }),
        fc.boolean(),
        async (scheduler, tabs, logout) => {
          const store = new InMemoryRefreshTokenStore();
          const world = new RotationWorld(scheduled(store, scheduler));
          const opening = world.login();
          await scheduler.waitFor(opening);
          const opened = await opening;
          const token = world.token(opened);
          const refreshes = Array.from({ length: tabs }, () => world.refresh(token));
          const ending = logout
            ? world.terminator.end(opened.user.id, [opened.session.id], 'logged_out', null)
            : Promise.resolve();
          await scheduler.waitFor(Promise.all([...refreshes, ending]));
          const answers = await Promise.all(refreshes);
          const secrets = new Set(
            answers.filter((answer) => typeof answer !== 'string').map(({ secret }) => secret),
          );
          expect(secrets.size).toBeLessThanOrEqual(1);
          const session = await store.findById(opened.session.id);
          expect(session?.generation).toBeLessThanOrEqual(1);
          if (logout) expect(session?.revokedAt).not.toBeNull();
          else expect(answers.every((answer) => typeof answer !== 'string')).toBe(true);
          for (const answer of answers)
            if (typeof answer === 'string') expect(answer).toBe('SESSION_REVOKED');
        },
      ),
      { numRuns: 300 },
    );
  });
});

/** The store with every call controlled by fast-check's scheduler. */
function scheduled(store: InMemoryRefreshTokenStore, scheduler: fc.Scheduler): InMemoryRefreshTokenStore {
  return new Proxy(store, {
    get(target, name: keyof InMemoryRefreshTokenStore) {
      const member: unknown = Reflect.get(target, name);
      if (typeof member !== 'function' || name === 'newId') return member;
      const call = (...args: unknown[]) => (member as (...given: unknown[]) => unknown).apply(target, args);
      return (...args: unknown[]) => scheduler.schedule(Promise.resolve(), name).then(() => call(...args));
    },
  });
}
