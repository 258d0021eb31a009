import { Logger } from '@nestjs/common';
import { RedisRevocationStore, type RevocationStore } from 'nestjs-silent-auth';
import { within } from '../common/within.js';
import type { AppConfig } from '../config/config.js';
import type { RedisSettings } from '../config/redis-url.js';

type Redis = typeof import('redis');

/** Where revocations are shared, and how to close it. */
export interface SharedRevocations {
  /** Undefined: the library's own store, in MongoDB. */
  readonly store: RevocationStore | undefined;
  close(): void;
}

const CONNECT_WITHIN_MS = 5_000;
/** When the client of a cluster asks which node took over; its own default is 5 s. */
const LOOK_FOR_ANOTHER_AFTER_MS = 500;

/** Decides whether revocations are shared through Redis; no other code knows. */
export async function chooseRevocationStore({ redis }: AppConfig): Promise<SharedRevocations> {
  if (redis === null) return { store: undefined, close: () => undefined };
  // Imported only when needed.
  const client = clientFor(
    redis,
    await import('redis').catch((cause: unknown) => {
      throw new Error("REVOCATION_STORE=redis needs the package 'redis'", { cause });
    }),
  );
  const logger = new Logger('Redis');
  let lastError = '';
  // The client reconnects by itself and reports the same error at each attempt.
  client.on('error', (error: Error) => {
    if (lastError !== error.message) logger.warn(`unreachable: ${error.message}`);
    lastError = error.message;
  });
  client.on('ready', () => (lastError = ''));
  const close = () => void (async () => client.destroy())().catch(() => undefined);
  try {
    await within<unknown>(CONNECT_WITHIN_MS, client.connect(), () => {
      throw new Error(lastError);
    });
  } catch (cause) {
    close();
    const reason = cause instanceof Error ? cause.message : String(cause);
    throw new RedisUnreachableError(`Redis does not answer: ${reason}. Check REDIS_URL.`, { cause });
  }
  return { store: new RedisRevocationStore({ client }), close };
}

function clientFor(settings: RedisSettings, { createClient, createCluster, createSentinel }: Redis) {
  const { kind, hosts, isEncrypted, username, password } = settings;
  if (kind === 'server') return createClient({ url: settings.url });
  const tls = isEncrypted ? { tls: true as const } : {};
  const node = {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    socket: tls,
  };
  if (kind === 'sentinel')
    return createSentinel({
      name: settings.primaryName,
      sentinelRootNodes: [...hosts],
      nodeClientOptions: node,
      sentinelClientOptions: { socket: tls },
    });
  return createCluster({
    rootNodes: hosts.map(({ host, port }) => ({ socket: { host, port } })),
    defaults: node,
    topologyRefreshOnReconnectionAttemptStrategy: LOOK_FOR_ANOTHER_AFTER_MS,
  });
}

/** The message is for the operator and needs no stack trace. */
export class RedisUnreachableError extends Error {
  override readonly name = 'RedisUnreachableError';
}
