import { AuthError } from '../core/errors.js';
import { TimeoutError, withTimeout } from '../core/with-timeout.js';
import type { DatabaseHealth } from '../database/database-health.js';
import { keysOf } from '../database/index-state.js';
import type { UserCensus } from '../users/user-census.js';
import type { DatabaseFacts, DatabaseProblem } from './checks/facts.js';

/** A slower database counts as unreachable. */
const LIMIT_MS = 5000;

/** Counts users with problems; null if the library does not store users. */
export type ReadUsers = (() => Promise<UserCensus>) | null;

/** Reads the state of the database; writes nothing. Never rejects. */
export async function readDatabase(
  database: DatabaseHealth,
  readUsers: ReadUsers,
  isBeforeStart: boolean,
): Promise<DatabaseFacts | DatabaseProblem> {
  try {
    return await withTimeout(() => look(database, readUsers, isBeforeStart), LIMIT_MS);
  } catch (error) {
    if (error instanceof TimeoutError)
      return { isUnreachable: true, reason: `no answer within ${LIMIT_MS / 1000} s` };
    return { isUnreachable: isUnavailable(error), reason: reasonOf(error) };
  }
}

async function look(
  database: DatabaseHealth,
  readUsers: ReadUsers,
  isBeforeStart: boolean,
): Promise<DatabaseFacts> {
  const [server, indexes, foreignIndexes, foreignDocuments, users, collections] = await Promise.all([
    database.server(),
    database.indexes(),
    database.foreignIndexes(),
    database.foreignDocuments(),
    readUsers?.() ?? null,
    isBeforeStart ? database.collections() : null,
  ]);
  const wanted = database.expected();
  const facts = indexes.flatMap((state) => {
    const found = wanted
      .filter(({ collection }) => collection === state.collection)
      .flatMap((expected) => expected.indexes)
      .find((index) => keysOf(index) === state.index);
    // A missing collection gets its indexes when the service starts.
    const isToCome = collections !== null && !collections.includes(state.collection);
    return found && !isToCome ? [{ ...state, wanted: found }] : [];
  });
  const foreign = { foreignIndexes, foreignDocuments, users };
  return { ...server, ...foreign, indexes: facts, buildsIndexes: isBeforeStart || database.buildsIndexes };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AuthError && error.code === 'TEMPORARILY_UNAVAILABLE';
}

/** Only the name of the error: messages of the driver may contain hosts and users. */
function reasonOf(error: unknown): string {
  const origin: unknown = error instanceof AuthError ? error.cause : error;
  const { codeName, name } = Object(origin) as { codeName?: unknown; name?: unknown };
  return [codeName, name].find((text) => typeof text === 'string') ?? 'for an unknown reason';
}
