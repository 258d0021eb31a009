import { describe, expect, it } from '@jest/globals';
import fc from 'fast-check';
import type { RefreshTokenClaims } from '../../src/core/refresh-token.js';
import { hashSecret } from '../../src/core/successor-seal.js';
import type { OpenSession } from '../../src/tokens/refresh-token.service.js';
import type { RefreshSession } from '../../src/tokens/refresh-token.store.js';
import { InMemoryRefreshTokenStore } from '../support/in-memory-refresh-token.store.js';
import { RotationWorld } from '../support/rotation-world.js';

const GRACE_MS = 10_000;
const RUNS = 1500;

/** One attempt of an honest client, which ends within half the grace period. */
const attempt = fc.record({
  kind: fc.constant('attempt' as const),
  /** Until the server sees the request. */
  requestMs: fc.integer({ min: 0, max: GRACE_MS / 4 }),
  /** Until the client sees the answer. */
  answerMs: fc.integer({ min: 0, max: GRACE_MS / 4 }),
  lost: fc.boolean(),
});
/** A use of the newest access token, which the guard records. */
const use = fc.record({ kind: fc.constant('use' as const) });
/** A use of an access token that an earlier answer brought. */
const useOld = fc.record({ kind: fc.constant('use-old' as const) });
/** The server loses its process between the update and the answer: an attempt that is lost after the commit. */
const crash = fc.record({ kind: fc.constant('crash' as const) });
const pause = fc.record({
  kind: fc.constant('pause' as const),
  ms: fc.oneof(fc.integer({ min: 0, max: 2 * GRACE_MS }), fc.integer({ min: 0, max: 20 * 3_600_000 })),
});
/** The clock that all processes share is anchored anew, a little back or forth. */
const step = fc.record({ kind: fc.constant('step' as const), ms: fc.integer({ min: -500, max: 500 }) });
const steal = fc.record({ kind: fc.constant('steal' as const) });
const thiefRefreshes = fc.record({ kind: fc.constant('thief' as const), uses: fc.boolean() });

const honest = fc.array(fc.oneof({ weight: 4, arbitrary: attempt }, use, useOld, crash, pause, step), {
  minLength: 8,
  maxLength: 60,
  size: 'max',
});
const contested = fc.array(
  fc.oneof({ weight: 4, arbitrary: attempt }, { weight: 2, arbitrary: use }, pause, steal, {
    weight: 2,
    arbitrary: thiefRefreshes,
  }),
  { minLength: 8, maxLength: 60, size: 'max' },
);

type Step = typeof honest extends fc.Arbitrary<(infer T)[]> ? T : never;
type ContestedStep = typeof contested extends fc.Arbitrary<(infer T)[]> ? T : never;

/** A browser, a thief and what is known of the session from outside; every answer is held against the invariants. */
class Story {
  readonly store = new InMemoryRefreshTokenStore();
  readonly world = new RotationWorld(this.store);
  readonly log: string[] = [];
  jar!: RefreshTokenClaims;
  loot: RefreshTokenClaims | null = null;
  newest!: OpenSession;
  readonly received: OpenSession[] = [];
  absoluteExpiresAt = 0;
  /** Recorded by the test itself: when each generation was replaced, which were seen in use. */
  readonly replacedAt = new Map<number, number>();
  readonly confirmed = new Set<number>();
  recoveredAt: { generation: number; at: number } | null = null;
  largest = 0;

  async begin(): Promise<this> {
    this.newest = await this.world.login();
    this.jar = this.world.token(this.newest);
    this.received.push(this.newest);
    this.absoluteExpiresAt = this.session.absoluteExpiresAt.getTime();
    return this;
  }

  get session(): RefreshSession {
    const [session] = this.store.sessions.values();
    if (!session) throw new Error('there is one session');
    return session;
  }

  /** Presents a token and checks what comes back. */
  async present(who: string, token: RefreshTokenClaims): Promise<OpenSession | string> {
    const before = this.session;
    const isOver = before.revokedAt !== null || before.expiresAt.getTime() <= this.world.now;
    const mustBeCaught = !isOver && this.isProvenReuse(token.gen, before.generation);
    const answer = await this.world.refresh(token);
    const after = this.session;
    this.log.push(
      `${this.world.now}: ${who} presents ${token.gen} of ${before.generation} → ${typeof answer === 'string' ? answer : answer.session.generation}`,
    );

    if (typeof answer !== 'string') {
      // 1: one secret is current, and every accepted token leads to it.
      expect(hashSecret(answer.secret)).toBe(after.tokenHash);
      // 4: a session that is over yields nothing.
      expect(isOver).toBe(false);
    }
    // 3: an earlier token after its grace, once its successor was seen in use, ends the session.
    if (mustBeCaught) {
      expect(answer).toBe('REFRESH_TOKEN_REUSED');
      expect(after.revokedReason).toBe('reuse_detected');
    }
    // 5: no expiry past the absolute one, which never moves.
    expect(after.absoluteExpiresAt.getTime()).toBe(this.absoluteExpiresAt);
    expect(after.expiresAt.getTime()).toBeLessThanOrEqual(this.absoluteExpiresAt);
    // 7: bounded.
    expect(after.predecessors.length).toBeLessThanOrEqual(4);
    expect(after.recentUses.length).toBeLessThanOrEqual(5);

    if (after.generation > before.generation) this.replacedAt.set(before.generation, this.world.now);
    if (after.recoveredAt && !before.recoveredAt)
      this.recoveredAt = { generation: after.generation, at: this.world.now };
    return answer;
  }

  /** From what the test recorded, not from what the product stored. */
  private isProvenReuse(presented: number, current: number): boolean {
    if (presented >= current) return false;
    const isSuccessorSeen = presented < current - 1 || this.confirmed.has(current);
    const replacedAt = this.replacedAt.get(presented) ?? Number.POSITIVE_INFINITY;
    const recovered =
      this.recoveredAt?.generation === current && presented === current - 1 ? this.recoveredAt.at : 0;
    return isSuccessorSeen && this.world.now - Math.max(replacedAt, recovered) > GRACE_MS;
  }

  async use(opened: OpenSession): Promise<void> {
    const { id, generation } = opened.session;
    const isLive = this.session.revokedAt === null;
    await this.store.confirm(id, generation, new Date(this.world.now));
    if (isLive && generation === this.session.generation) this.confirmed.add(generation);
  }

  /** The honest client: stores an answer before it uses it, takes its lock, ends its attempt in time. */
  async attempt(requestMs: number, answerMs: number, lost: boolean): Promise<OpenSession | string | null> {
    this.world.now += requestMs;
    const answer = await this.present('client', this.jar);
    if (lost) {
      this.world.now += GRACE_MS / 2 - requestMs;
      return null;
    }
    this.world.now += answerMs;
    if (typeof answer !== 'string') {
      this.jar = this.world.token(answer);
      this.newest = answer;
      this.received.push(answer);
    }
    return answer;
  }
}

describe('the invariants of rotation', () => {
  it('2, 6: an honest client is never logged out, whatever is lost, late or crashed', async () => {
    await fc.assert(
      fc.asyncProperty(honest, async (steps: Step[]) => {
        const story = await new Story().begin();
        let lostSince = story.world.now;
        const visit = async (requestMs: number, answerMs: number, lost: boolean) => {
          const isOver = story.session.expiresAt.getTime() <= story.world.now + requestMs;
          // Beyond the window of recovery a lost answer is a login; the invariant speaks of what lies within it.
          const isBeyondWindow = story.world.now + requestMs - lostSince > 86_400_000;
          const answer = await story.attempt(requestMs, answerMs, lost);
          if (answer === null) return;
          if (!isOver && !isBeyondWindow)
            expect([answer, story.log]).toEqual([expect.any(Object), story.log]);
          lostSince = story.world.now;
        };
        for (const step of steps) {
          if (step.kind === 'attempt') await visit(step.requestMs, step.answerMs, step.lost);
          else if (step.kind === 'crash') await visit(0, 0, true);
          else if (step.kind === 'use') await story.use(story.newest);
          else if (step.kind === 'use-old') await story.use(story.received.at(-2) ?? story.newest);
          else story.world.now += step.ms;
          if (story.session.revokedAt) throw new Error(`logged out:\n${story.log.join('\n')}`);
          if (story.session.expiresAt.getTime() <= story.world.now) return;
          if (story.world.now - lostSince > 86_400_000) return;
        }
      }),
      { numRuns: RUNS },
    );
  });

  it('1, 3, 4, 5, 7: a thief never owns a branch, and every proven theft ends the session', async () => {
    let caught = 0;
    await fc.assert(
      fc.asyncProperty(contested, async (steps: ContestedStep[]) => {
        const story = await new Story().begin();
        for (const step of steps) {
          if (step.kind === 'attempt') await story.attempt(step.requestMs, step.answerMs, step.lost);
          else if (step.kind === 'use') await story.use(story.newest);
          else if (step.kind === 'pause') story.world.now += step.ms;
          else if (step.kind === 'steal') story.loot = story.jar;
          else if (story.loot) {
            const answer = await story.present('thief', story.loot);
            if (typeof answer !== 'string') {
              story.loot = story.world.token(answer);
              if (step.uses) await story.use(answer);
            }
          }
        }
        if (story.session.revokedAt) {
          caught += 1;
          const presented = await story.present('anyone', story.jar);
          expect(['SESSION_REVOKED', 'REFRESH_TOKEN_EXPIRED']).toContain(presented);
          expect(story.world.revokedSessions).toContain(story.session.id);
        }
      }),
      { numRuns: RUNS },
    );
    // A model in which nothing is ever caught would prove nothing.
    expect(caught).toBeGreaterThan(RUNS / 20);
  });

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

/** The store with every call put in the hands of fast-check's scheduler. */
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
