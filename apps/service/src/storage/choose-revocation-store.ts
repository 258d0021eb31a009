import { Logger } from '@nestjs/common';
import { RedisRevocationStore, type RevocationStore } from 'nestjs-silent-auth';
import { within } from '../common/within.js';
import type { AppConfig } from '../config/config.js';

/** Where revocations are shared, and how to close it. */
export interface SharedRevocations {
  /** Undefined: the library's own store, in MongoDB. */
  readonly store: RevocationStore | undefined;
  close(): void;
}

const CONNECT_WITHIN_MS = 5_000;

/** Decides whether revocations are shared through Redis; no other code knows. */
export async function chooseRevocationStore({ redisUrl }: AppConfig): Promise<SharedRevocations> {
  if (redisUrl === null) return { store: undefined, close: () => undefined };
  // Imported only when needed.
  const { createClient } = await import('redis').catch((cause: unknown) => {
    throw new Error("REVOCATION_STORE=redis needs the package 'redis'", { cause });
  });
  const logger = new Logger('Redis');
  const client = createClient({ url: redisUrl });
  let lastError = '';
  // The client reconnects by itself and reports the same error at each attempt.
  client.on('error', (error: Error) => {
    if (lastError !== error.message) logger.warn(`unreachable: ${error.message}`);
    lastError = error.message;
  });
  client.on('ready', () => (lastError = ''));
  try {
    await within(CONNECT_WITHIN_MS, client.connect(), () => {
      throw new Error(lastError);
    });
  } catch (cause) {
    client.destroy();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RedisUnreachableError(`Redis does not answer: ${reason}. Check REDIS_URL.`, { cause });
  }
  return { store: new RedisRevocationStore({ client }), close: () => client.destroy() };
}

/** The message is for the operator and needs no stack trace. */
export class RedisUnreachableError extends Error {
  override readonly name = 'RedisUnreachableError';
}
