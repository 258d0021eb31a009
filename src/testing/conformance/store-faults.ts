import { ok } from 'node:assert/strict';
import type { RefreshSession, RefreshTokenStore } from '../../core/refresh-token.store.js';
import { type ConformanceCase, expectMembers, expectSame } from './framework.js';
import { at, newSession, reissue, rotatedSession, rotation } from './sample-sessions.js';

/**
 * `unreachable`: the next operation does not reach the database. `answer_lost`: it does, but the connection breaks before
 * the response.
 */
export type StoreFault = 'unreachable' | 'answer_lost';

export interface FaultWorld {
  readonly store: RefreshTokenStore;
  /** A store on the same data with a working connection. */
  readonly other: RefreshTokenStore;
  readonly fail: (store: RefreshTokenStore, fault: StoreFault) => Promise<Repair>;
}

/** Repairs the connection; called after the operation. */
export type Repair = (() => void | Promise<void>) | void;

type Case = ConformanceCase<FaultWorld>;

const UNKNOWN = Symbol('the outcome is unknown');

/** The result of an operation under a fault, or `UNKNOWN` after an error. The error must be one that a client may retry. */
async function outcomeOf<T>(
  { store, fail }: FaultWorld,
  fault: StoreFault,
  operation: () => Promise<T>,
): Promise<T | typeof UNKNOWN> {
  const repair = await fail(store, fault);
  try {
    return await operation();
  } catch (error) {
    const { code } = error as { code?: unknown };
    ok(
      code === 'TEMPORARILY_UNAVAILABLE',
      `rejected with ${String(error)}: an unreachable database must reject with AuthError('TEMPORARILY_UNAVAILABLE')`,
    );
    return UNKNOWN;
  } finally {
    await repair?.();
  }
}

/** Tests an operation on a session under a fault. @param applied the state of the session if the operation is applied */
function atomic(
  name: string,
  fault: StoreFault,
  make: (store: RefreshTokenStore) => RefreshSession,
  act: (store: RefreshTokenStore, session: RefreshSession) => Promise<unknown>,
  applied: (session: RefreshSession) => Partial<RefreshSession>,
): Case {
  const fate = fault === 'answer_lost' ? 'whose response is lost' : 'that does not arrive';
  return {
    name: `${name} ${fate} is applied completely or not at all`,
    run: async (world) => {
      const { store, other } = world;
      const session = make(other);
      await other.create(session);
      const outcome = await outcomeOf(world, fault, () => act(store, session));
      const after = await other.findById(session.id);
      const isUntouched = JSON.stringify(after) === JSON.stringify(await withoutChange(other, session));
      if (isUntouched) ok(outcome === UNKNOWN, 'it resolved but wrote nothing');
      else expectMembers(after, applied(session));
      // Clients retry without a response, and so does the library.
      await act(store, session);
      expectMembers(
        await other.findById(session.id),
        applied(session),
        'the repeated operation had another result',
      );
    },
  };
}

/** The session as the store returns it, so that a comparison does not depend on the order of members. */
async function withoutChange(
  store: RefreshTokenStore,
  session: RefreshSession,
): Promise<RefreshSession | null> {
  const twin = { ...session, id: store.newId() };
  await store.create(twin);
  const stored = await store.findById(twin.id);
  return stored && { ...stored, id: session.id };
}

const faults: readonly StoreFault[] = ['unreachable', 'answer_lost'];

/** Tests of a broken connection to the database. */
export const FAULTS: readonly Case[] = faults.flatMap((fault) => [
  atomic(
    'a rotation',
    fault,
    newSession,
    (store, session) => store.rotate(rotation(session, 0)),
    (session) => ({
      generation: 1,
      tokenHash: rotation(session, 0).tokenHash,
      predecessors: [rotation(session, 0).predecessor],
      lastUsedAt: at(1),
    }),
  ),
  atomic(
    'a reissue',
    fault,
    rotatedSession,
    (store, session) => store.reissue(reissue(session)),
    (session) => ({
      generation: 2,
      tokenHash: reissue(session).tokenHash,
      predecessors: reissue(session).predecessors,
      abandoned: reissue(session).abandoned,
    }),
  ),
  atomic(
    'a revocation',
    fault,
    newSession,
    (store, session) => store.revoke([session.id], 'logged_out', at(1)),
    () => ({ generation: 0, revokedAt: at(1), revokedReason: 'logged_out' }),
  ),
  {
    name: `a read (${fault}) never reports an existing session as missing`,
    run: async (world) => {
      const session = newSession(world.other);
      await world.other.create(session);
      const outcome = await outcomeOf(world, fault, () => world.store.findById(session.id));
      if (outcome !== UNKNOWN) expectSame(outcome, session);
    },
  },
]);
