import type { AuthError } from '../core/errors.js';
import { errorMessage } from './filters/error-answer.js';

type ExceptionClass = new (error: string | object) => Error;

/** The exception classes of Nest for gateways and microservices; null if the host has not installed the package. */
const exceptions: { ws: ExceptionClass | null; rpc: ExceptionClass | null } = { ws: null, rpc: null };

/** Loads the classes from the host's packages, because Nest checks with `instanceof`. Call before the first message. */
export async function loadContextExceptions(): Promise<void> {
  exceptions.ws ??= await orNull(async () => (await import('@nestjs/websockets')).WsException);
  exceptions.rpc ??= await orNull(async () => (await import('@nestjs/microservices')).RpcException);
}

async function orNull<T>(load: () => Promise<T>): Promise<T | null> {
  try {
    return await load();
  } catch {
    return null;
  }
}

/**
 * A refusal as the exception class of its context. Nest answers with it where no filter of the library runs: global filters
 * apply neither to gateways nor to hybrid applications. Null if the context has no such class.
 */
export function contextException(type: string, error: AuthError): Error | null {
  const of = type === 'ws' || type === 'rpc' ? exceptions[type] : null;
  return of && new of(errorMessage(error));
}
