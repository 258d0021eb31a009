import { decideRotation } from '../../../src/core/rotation.js';
import type { Rule } from './model-session.js';

/**
 * The first version's rule, expressed in the present types: without attempts, a retry after a lost answer
 * gets the current secret however late, instead of a new one. It shows that the tests of the present rule can
 * fail.
 */
export const firstRule: Rule = (session, token, now, policy) => {
  const unmarked = <T extends object>(former: T) => ({ ...former, attempt: null });
  const state = session && {
    ...session,
    predecessors: session.predecessors.map(unmarked),
    abandoned: session.abandoned.map(unmarked),
  };
  const decision = decideRotation(state, { ...token, attempt: null, previous: null }, now, policy);
  if (decision.outcome !== 'recovered') return decision;
  return { outcome: 'replay', secret: decision.lostSecret, isSameAttempt: false };
};
