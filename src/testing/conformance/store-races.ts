import { ok } from 'node:assert/strict';
import type { RefreshSession, RefreshTokenStore } from '../../core/refresh-token.store.js';
import { type ConformanceCase, expectMembers, expectSame } from './framework.js';
import { at, DEVICE_KEY, hashOf, newSession, reissue, rotatedSession, rotation } from './sample-sessions.js';

/** Two stores on the same data, as in two processes. */
export interface RaceWorld {
  readonly store: RefreshTokenStore;
  readonly other: RefreshTokenStore;
}

type Case = ConformanceCase<RaceWorld>;

const CONTENDERS = 64;
const ROUNDS = 16;

/** Starts all actions one after another, in an order that depends on the round, and awaits them together. */
function atOnce<T>(round: number, actions: readonly (() => Promise<T>)[]): Promise<T[]> {
  const order = actions.map((_action, step) => (step + round) % actions.length);
  const started = new Map(order.map((index) => [index, actions[index]?.()]));
  return Promise.all(actions.map((_action, index) => started.get(index) as Promise<T>));
}

async function inRounds(
  make: (store: RefreshTokenStore) => RefreshSession,
  { store }: RaceWorld,
  run: (session: RefreshSession, round: number) => Promise<void>,
): Promise<void> {
  for (let round = 0; round < ROUNDS; round += 1) {
    const session = make(store);
    await store.create(session);
    await run(session, round);
  }
}

/** Tests of concurrent operations on one session. */
export const RACES: readonly Case[] = [
  {
    name: 'one process reads what another one wrote',
    run: async ({ store, other }) => {
      const session = newSession(store);
      await store.create(session);
      expectSame(
        await other.findById(session.id),
        session,
        'createStore must open stores on the same data: each call simulates another process',
      );
    },
  },
  {
    name: `exactly one of ${CONTENDERS} concurrent rotations of a token succeeds`,
    run: async (world) => {
      const session = newSession(world.store);
      await world.store.create(session);
      const results = await Promise.all(
        Array.from({ length: CONTENDERS }, (_unused, index) =>
          (index % 2 ? world.other : world.store).rotate(
            rotation(session, 0, { tokenHash: hashOf(`next-${index}`) }),
          ),
        ),
      );
      const winners = results.flatMap((result) => (result ? [result] : []));
      expectSame(winners.length, 1, `${winners.length} rotations succeeded`);
      expectSame(await world.other.findById(session.id), winners[0]);
    },
  },
  {
    name: 'exactly one of a concurrent reissue and rotation succeeds',
    run: (world) =>
      inRounds(rotatedSession, world, async (session, round) => {
        const [reissued, rotated] = await atOnce(round, [
          () => world.store.reissue(reissue(session)),
          () => world.other.rotate(rotation(session, 1)),
        ]);
        ok(Boolean(reissued) !== Boolean(rotated), reissued ? 'both succeeded' : 'none succeeded');
        expectSame(await world.store.findById(session.id), reissued ?? rotated);
      }),
  },
  {
    name: 'a rotation during a revocation leaves a complete, ended session',
    run: (world) =>
      inRounds(newSession, world, async (session, round) => {
        const [rotated, revoked] = await atOnce<RefreshSession | null | string[]>(round, [
          () => world.store.rotate(rotation(session, 0)),
          () => world.other.revoke([session.id], 'logged_out', at(1)),
        ]);
        expectSame(revoked, [session.id]);
        const expected = { revokedAt: at(1), revokedReason: 'logged_out' };
        expectSame(await world.store.findById(session.id), { ...(rotated ?? session), ...expected });
        const generation = rotated ? 1 : 0;
        for (const store of [world.store, world.other])
          expectSame(await store.rotate(rotation(session, generation)), null, 'an ended session was rotated');
      }),
  },
  {
    name: 'a generation is confirmed or reissued, never both',
    run: (world) =>
      inRounds(rotatedSession, world, async (session, round) => {
        const [reissued] = await atOnce<RefreshSession | null | void>(round, [
          () => world.store.reissue(reissue(session)),
          () => world.other.confirm(session.id, 1, at(8)),
        ]);
        const after = await world.store.findById(session.id);
        if (reissued) expectSame(after, reissued, 'the confirmation changed a later generation');
        else expectMembers(after, { generation: 1, confirmedAt: at(8) });
      }),
  },
  {
    name: 'concurrent uses are all kept',
    run: (world) =>
      inRounds(newSession, world, async (session, round) => {
        const sharedUse = { generation: 0, pair: 'abcdefgh', generations: 1 };
        const uses = [1, 2, 3, 4].map((host) => ({ ip: `192.0.2.1${host}`, userAgent: null, at: at(host) }));
        await atOnce(
          round,
          uses.map(
            (use, index) => () =>
              (index % 2 ? world.other : world.store).recordSharedUse(session.id, 0, use, sharedUse),
          ),
        );
        const after = await world.store.findById(session.id);
        const ips = after?.recentUses.map(({ ip }) => ip).toSorted();
        expectSame(ips, ['192.0.2.1', ...uses.map(({ ip }) => ip)].toSorted(), 'a use was overwritten');
      }),
  },
  {
    name: 'exactly one of two concurrent uses of a proof is recorded',
    run: ({ store, other }) =>
      inRounds(newSession, { store, other }, async (session, round) => {
        const use = { ip: '192.0.2.11', userAgent: null, at: at(1), proof: 'proof-1' };
        const recorded = await atOnce(
          round,
          [store, other].map((each) => async () => each.recordProof?.(session.id, 0, use)),
        );
        if (!store.recordProof) return;
        expectSame(recorded.toSorted(), [false, true], 'a proof was recorded twice');
      }),
  },
  {
    name: 'exactly one of two concurrent bindings succeeds, and both return its key',
    run: ({ store, other }) =>
      inRounds(newSession, { store, other }, async (session, round) => {
        const keys = [DEVICE_KEY, DEVICE_KEY.replace('k', 'j')];
        const bound = await atOnce(
          round,
          keys.map(
            (key, index) => async () => (index === 0 ? store : other).bindDevice?.(session.id, key, at(1)),
          ),
        );
        const after = (await store.findById(session.id))?.deviceKey;
        if (!store.bindDevice) return;
        expectSame(
          bound.map((each) => each?.deviceKey),
          [after, after],
        );
        ok(after !== undefined && keys.includes(after), `bound to ${after}`);
      }),
  },
  {
    name: 'of two concurrent revocations, each returns the sessions that it ended',
    run: async ({ store, other }) => {
      const sessions = Array.from({ length: 8 }, () => newSession(store));
      for (const session of sessions) await store.create(session);
      const ids = sessions.map(({ id }) => id);
      const [one, two] = await Promise.all([
        store.revoke(ids.slice(0, 5), 'evicted', at(1)),
        other.revoke(ids.slice(3), 'logged_out', at(1)),
      ]);
      expectSame([...one, ...two].toSorted(), ids.toSorted());
    },
  },
];
