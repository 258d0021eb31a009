import { AuthError } from '../core/errors.js';

/** Errors of the driver and of Mongoose that mean "unreachable". */
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

/**
 * Codes of a server that steps down, starts, stops, is disconnected, asks clients to slow down, or gave up an operation that
 * may succeed at the next attempt. Not 13 and 18 (and 8000 of Atlas): failed authentication does not succeed on retry.
 */
const UNAVAILABLE_CODES = new Set([
  6, 7, 24, 43, 46, 50, 63, 64, 89, 91, 100, 112, 117, 133, 134, 150, 175, 189, 202, 234, 237, 262, 365, 429,
  462, 9001, 10058, 10107, 11600, 11601, 11602, 13388, 13435, 13436, 16500,
]);

/** Labels with which a server or the driver marks errors that a retry may solve. */
const RETRYABLE_LABELS = [
  'RetryableWriteError',
  'RetryableError',
  'TransientTransactionError',
  'SystemOverloadedError',
];

/** Codes of plain Node.js errors for connections that failed or ended; the driver may pass them on. */
const SOCKET_CODES = new Set([
  'EPIPE',
  'ECONNRESET',
  'ECONNREFUSED',
  'ECONNABORTED',
  'ENOTCONN',
  'ETIMEDOUT',
  'EHOSTUNREACH',
  'EHOSTDOWN',
  'ENETUNREACH',
  'ENETDOWN',
  'ENETRESET',
  'EADDRNOTAVAIL',
  'EMFILE',
  'ENFILE',
  'EAI_AGAIN',
  'ENOTFOUND',
  'ERR_STREAM_DESTROYED',
  'ERR_STREAM_PREMATURE_CLOSE',
  'ERR_STREAM_WRITE_AFTER_END',
  'ERR_SOCKET_CLOSED',
  'ERR_SOCKET_CONNECTION_TIMEOUT',
]);

function isUnavailable(error: unknown): boolean {
  if (!(error instanceof Error)) return false;
  const { code, cause, name } = error as Error & { code?: unknown };
  if (UNAVAILABLE_NAMES.has(name) || isRetryableCode(code) || hasRetryableLabel(error)) return true;
  // A bulk write hides the name of an error that did not come from the server. A server's error has a code.
  if (name === 'MongoBulkWriteError' && code === undefined) return true;
  if (name === 'MongooseError' && /buffering timed out|not connected|connection/i.test(error.message))
    return true;
  return cause !== undefined && isUnavailable(cause);
}

function isRetryableCode(code: unknown): boolean {
  return typeof code === 'number' ? UNAVAILABLE_CODES.has(code) : SOCKET_CODES.has(String(code));
}

/** Does not use `instanceof`: a host may have another copy of the driver. */
function hasRetryableLabel(error: object): boolean {
  const { errorLabels } = error as { readonly errorLabels?: unknown };
  return Array.isArray(errorLabels) && RETRYABLE_LABELS.some((label) => errorLabels.includes(label));
}

/** Runs a store's operation. An unreachable database becomes `TEMPORARILY_UNAVAILABLE`; other errors pass through. */
export async function orUnavailable<T>(operation: () => Promise<T>): Promise<T> {
  try {
    return await operation();
  } catch (cause) {
    if (isUnavailable(cause))
      throw new AuthError('TEMPORARILY_UNAVAILABLE', { detail: 'database out of reach', cause });
    throw cause;
  }
}
