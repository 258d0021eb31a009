import type { Duration } from '../core/duration.js';
import type { RevocationStore } from '../core/ports.js';
import type { OptionReader } from './option-reader.js';

/** The same in every process. */
export interface RevocationOptions {
  /**
   * How a guard learns that an access token was revoked: `feed`, `strict` or `off`. `feed`: from memory, which follows the
   * store; no round trip. `strict`: each request also asks the store, which costs a round trip, and gets 503 while the store
   * is out of reach. `off`: nothing is kept or asked, and access tokens live until they expire, whatever ends their session.
   * @default 'feed'
   */
  mode?: 'feed' | 'strict' | 'off';
  /**
   * How often a process reads the revocations of the others if the store does not push them: the bound on the life of a
   * revoked access token. Change streams and Redis push; then reads are a safety net, every 5 s or a sixth of
   * `maxStaleness`.
   * @default '1s'
   */
  pollInterval?: Duration;
  /**
   * How old the last successful read may be: beyond it guards refuse with 503 rather than trust what they know.
   * @default '30s'
   */
  maxStaleness?: Duration;
  /**
   * Where revocations are shared: a `RedisRevocationStore`, or a store of your own.
   * @default the `revocations` collection on the host's connection
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
