import { AuthError } from '../../core/errors.js';
import type { DatabaseFacts, DatabaseProblem } from '../../core/doctor/facts.js';
import { keysOf } from '../../core/index-state.js';
import type { DatabaseHealth } from '../../database/database-health.js';

/** A database that is slower than that is told to be out of reach. */
const LIMIT_MS = 5000;

/** Looks at the database, by reads alone. Never rejects. */
export async function readDatabase(
  database: DatabaseHealth,
  isBeforeStart: boolean,
): Promise<DatabaseFacts | DatabaseProblem> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<DatabaseProblem>((resolve) => {
    timer = setTimeout(
      () => resolve({ isUnreachable: true, reason: `no answer within ${LIMIT_MS / 1000} s` }),
      LIMIT_MS,
    );
  });
  try {
    return await Promise.race([look(database, isBeforeStart), late]);
  } catch (error) {
    return { isUnreachable: isUnavailable(error), reason: reasonOf(error) };
  } finally {
    clearTimeout(timer);
  }
}

async function look(database: DatabaseHealth, isBeforeStart: boolean): Promise<DatabaseFacts> {
  const [server, indexes, collections] = await Promise.all([
    database.server(),
    database.indexes(),
    isBeforeStart ? database.collections() : null,
  ]);
  const wanted = database.expected();
  const facts = indexes.flatMap((state) => {
    const found = wanted
      .filter(({ collection }) => collection === state.collection)
      .flatMap((expected) => expected.indexes)
      .find((index) => keysOf(index) === state.index);
    // A collection that is not there yet gets its indexes with its first start.
    const isToCome = collections !== null && !collections.includes(state.collection);
    return found && !isToCome ? [{ ...state, wanted: found }] : [];
  });
  return { ...server, indexes: facts, buildsIndexes: isBeforeStart || database.buildsIndexes };
}

function isUnavailable(error: unknown): boolean {
  return error instanceof AuthError && error.code === 'TEMPORARILY_UNAVAILABLE';
}

/** The kind of the error alone: a message of the driver may name hosts, users and more. */
function reasonOf(error: unknown): string {
  const origin: unknown = error instanceof AuthError ? error.cause : error;
  const { codeName, name } = Object(origin) as { codeName?: unknown; name?: unknown };
  return [codeName, name].find((text) => typeof text === 'string') ?? 'for an unknown reason';
}
