import { AuthError } from './errors.js';

/** Driver and Mongoose errors that mean "out of reach", by name: the core knows no driver. */
const UNAVAILABLE = new Set([
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

function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  if (UNAVAILABLE.has(error.name)) return true;
  if (error.name === 'MongooseError' && /buffering timed out|not connected|connection/i.test(error.message))
    return true;
  // NotWritablePrimary and its kin during a failover carry this label.
  const labels = (error as { hasErrorLabel?: unknown }).hasErrorLabel;
  return (
    typeof labels === 'function' &&
    (error as unknown as { hasErrorLabel(label: string): boolean }).hasErrorLabel('RetryableWriteError')
  );
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
