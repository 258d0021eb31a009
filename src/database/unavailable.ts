import { AuthError } from '../core/errors.js';

/** Errors of the driver and of Mongoose that mean "out of reach". */
const UNAVAILABLE_NAMES = new Set([
  'MongoNetworkError',
  'MongoNetworkTimeoutError',
  'MongoServerSelectionError',
  'MongooseServerSelectionError',
  'MongoNotConnectedError',
  'MongoTopologyClosedError',
  'MongoPoolClosedError',
  'MongoPoolClearedError',
  'MongoWaitQueueTimeoutError',
  'MongoOperationTimeoutError',
  'MongoExpiredSessionError',
  'MongoClientClosedError',
  'MongoWriteConcernError',
]);

/** Codes by which a server says that it is stepping down, starting, stopping or cut off. */
const UNAVAILABLE_CODES = new Set([
  6, 7, 50, 64, 89, 91, 100, 133, 189, 202, 234, 262, 9001, 10107, 11600, 11602, 13388, 13435, 13436,
]);

function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause, name } = error as Error & { code?: unknown };
  if (UNAVAILABLE_NAMES.has(name) || (typeof code === 'number' && UNAVAILABLE_CODES.has(code))) return true;
  if (name === 'MongooseError' && /buffering timed out|not connected|connection/i.test(error.message))
    return true;
  return cause !== undefined && isUnavailable(cause);
}

/** Runs a store's operation; a database out of reach becomes `TEMPORARILY_UNAVAILABLE`, anything else stays itself. */
export async function orUnavailable<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (isUnavailable(cause))
      throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'database out of reach', cause });
    throw cause;
  }
}
