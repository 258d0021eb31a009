import type { Connection } from 'mongoose';
import { type RateLimiterAbstract, RateLimiterMemory, RateLimiterMongo } from 'rate-limiter-flexible';
import type { ResolvedLimit } from '../core/options/resolve-options.js';

/** Limiters that all instances on one database share; their counters live in the TTL collection `throttle`. */
export class MongoLimiterStore {
  constructor(private readonly connection: Connection) {}

  limiter(keyPrefix: string, limit: ResolvedLimit): RateLimiterAbstract {
    const window = limiterWindow(keyPrefix, limit);
    return new RateLimiterMongo({
      ...window,
      storeClient: this.connection.db,
      tableName: 'throttle',
      disableIndexesCreation: true,
      // Who is over the limit costs the database nothing more.
      inMemoryBlockOnConsumed: limit.limit + 1,
      // Without the database each process counts for itself.
      insuranceLimiter: new RateLimiterMemory(window),
    });
  }

  /** Before the first count. `autoIndex: false` on the connection is honoured. */
  async ensureIndexes(limiter: RateLimiterAbstract): Promise<void> {
    if (limiter instanceof RateLimiterMongo && this.connection.get('autoIndex') !== false)
      await limiter.createIndexes();
  }
}

/** A limit in the terms of the library that counts. */
export function limiterWindow(keyPrefix: string, { limit, windowMs }: ResolvedLimit) {
  return { keyPrefix, points: limit, duration: windowMs / 1000 };
}
