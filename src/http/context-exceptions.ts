import type { AuthError } from '../core/errors.js';
import { errorMessage } from './filters/error-answer.js';

type ExceptionClass = new (error: string | object) => Error;

/** The exceptions that Nest answers with in gateways and in microservices; null where the host has no such package. */
const exceptions: { ws: ExceptionClass | null; rpc: ExceptionClass | null } = { ws: null, rpc: null };

/** Loads the classes from the host's own packages: Nest knows an exception by its class. Before the first message. */
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
 * A refusal in the form of its context, such as Nest answers with wherever no filter of ours is asked: it applies global ones
 * neither to gateways nor to hybrid applications. Null where the context has no form of its own.
 */
export function contextException(type: string, error: AuthError): Error | null {
  const of = type === 'ws' || type === 'rpc' ? exceptions[type] : null;
  return of && new of(errorMessage(error));
}
