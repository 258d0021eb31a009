import type { Duration } from '../core/duration.js';
import type { RevocationStore } from '../core/ports.js';
import type { OptionReader } from './option-reader.js';

/** Must be the same in every process. */
export interface RevocationOptions {
  /**
   * How a guard checks whether an access token was revoked: `feed`, `strict` or `off`. `feed`: in a copy in memory that follows
   * the store, without a round trip. `strict`: each request also reads the store, which costs a round trip and answers 503 while
   * the store is unreachable. `off`: revocations are neither stored nor checked, and access tokens live until they expire.
   * @default 'feed'
   */
  mode?: 'feed' | 'strict' | 'off';
  /**
   * How often a process reads the revocations of other processes if the store does not push them; a revoked access token can
   * live this much longer. Change streams and Redis push; then reads are only a safety net, every 5 s or a sixth of
   * `maxStaleness`.
   * @default '1s'
   */
  pollInterval?: Duration;
  /**
   * Maximum age of the last successful read: after that, guards answer 503 instead of trusting outdated data.
   * @default '30s'
   */
  maxStaleness?: Duration;
  /**
   * Where processes share revocations: a `RedisRevocationStore`, or your own store.
   * @default the `revocations` collection on your application's connection
   * @example
   * revocation: { store: new RedisRevocationStore({ client }) },
   */
  store?: RevocationStore;
}

export function readRevocation(read: OptionReader<RevocationOptions>) {
  const resolved = {
    mode: read.choice('mode', 'feed', ['feed', 'strict', 'off']),
    pollIntervalMs: read.duration('pollInterval', '1s', { minMs: 50 }),
    maxStalenessMs: read.duration('maxStaleness', '30s'),
    store: read.supplied('store'),
  };
  if (resolved.pollIntervalMs >= resolved.maxStalenessMs)
    read.refuse(
      'pollInterval',
      'must be shorter than revocation.maxStaleness, or guards answer 503 between reads',
    );
  return resolved;
}
