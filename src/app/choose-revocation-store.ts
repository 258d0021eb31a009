import { Logger } from '@nestjs/common';
import { RedisRevocationStore, type RevocationStore } from '../index.js';
import type { AppConfig } from './config.js';

/** Where revocations are shared, and how to let go of it. */
export interface SharedRevocations {
  /** Undefined: the library's own, in MongoDB. */
  readonly store: RevocationStore | undefined;
  close(): void;
}

const CONNECT_WITHIN_MS = 5_000;

/** The one place that knows whether there is a Redis. */
export async function chooseRevocationStore({ redisUrl }: AppConfig): Promise<SharedRevocations> {
  if (redisUrl === null) return { store: undefined, close: () => undefined };
  // Only where it is asked for.
  const { createClient } = await import('redis').catch((cause: unknown) => {
    throw new Error("REVOCATION_STORE=redis needs the package 'redis'", { cause });
  });
  const logger = new Logger('Redis');
  const client = createClient({ url: redisUrl });
  let lastError = '';
  // It reconnects by itself, and says the same at each attempt.
  client.on('error', (error: Error) => {
    if (lastError !== error.message) logger.warn(`out of reach: ${error.message}`);
    lastError = error.message;
  });
  client.on('ready', () => (lastError = ''));
  const tooLate = AbortSignal.timeout(CONNECT_WITHIN_MS);
  try {
    await Promise.race([
      client.connect(),
      new Promise((_, reject) => tooLate.addEventListener('abort', () => reject(new Error(lastError)))),
    ]);
  } catch (cause) {
    client.destroy();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RedisUnreachableError(`Redis does not answer: ${reason}. Check REDIS_URL.`, { cause });
  }
  return { store: new RedisRevocationStore({ client }), close: () => client.destroy() };
}

/** For the operator: what it says is enough. */
export class RedisUnreachableError extends Error {
  override readonly name = 'RedisUnreachableError';
}
