import { Logger } from '@nestjs/common';
import type { Connection, mongo } from 'mongoose';
import { DUPLICATE_KEY } from '../core/limits.js';
import type { IndexRegistry } from '../database/index-registry.js';
import type { IndexDescription } from '../database/index-state.js';
import { durableCollection } from '../database/native-collection.js';
import { prefixRange } from '../database/prefix-range.js';
import type { Counts, SlidingWindow } from './sliding-window.js';

/** The document of one key. */
interface CounterRow {
  readonly key: string;
  readonly counts: Counts;
  readonly expire: Date;
}

const THROTTLE_INDEXES: readonly IndexDescription[] = [
  { key: { expire: -1 }, expireAfterSeconds: 0 },
  { key: { key: 1 }, unique: true },
];
const MAX_TRIES = 5;

/** Keeps the counts that all instances on one database share, in a TTL collection. */
export class MongoCounterStore {
  private readonly logger = new Logger('Throttle');
  /** Reports an outage only once. */
  private isFailing = false;

  constructor(
    private readonly connection: Connection,
    private readonly indexes: IndexRegistry,
    private readonly collection = 'throttle',
  ) {}

  /** Builds the indexes before the first count, unless the connection has `autoIndex: false`. */
  async ensureIndexes(): Promise<void> {
    await this.indexes.ensure(this.connection, { collection: this.collection, indexes: THROTTLE_INDEXES });
  }

  /** Counts once, with one command. @returns the counts of the key, including this one */
  async add(key: string, window: SlidingWindow, atMs: number): Promise<Counts> {
    try {
      const counts = await this.count(key, window, atMs);
      this.isFailing = false;
      return counts;
    } catch (error) {
      // Without the error's message, which may contain the key.
      if (!this.isFailing)
        this.logger.warn(`attempts are not counted in the database for now: ${nameOf(error)}`);
      this.isFailing = true;
      throw error;
    }
  }

  private async count(key: string, window: SlidingWindow, atMs: number): Promise<Counts> {
    const now = new Date(atMs);
    const part = window.partAt(atMs);
    const expire = new Date(window.expiryAt(atMs));
    const stale = window.stalePartsAt(atMs).map((each) => [`counts.${each}`, ''] as const);
    const count = {
      $inc: { [`counts.${part}`]: 1 },
      $max: { expire },
      $unset: Object.fromEntries(stale),
    } as mongo.UpdateFilter<CounterRow>;
    const begin = { $set: { counts: { [part]: 1 }, expire } };
    for (let tries = 1; ; tries += 1) {
      try {
        const options = { upsert: true, returnDocument: 'after' } as const;
        const row = await this.counters.findOneAndUpdate({ key, expire: { $gt: now } }, count, options);
        if (row) return row.counts;
      } catch (error) {
        if ((error as { code?: unknown }).code !== DUPLICATE_KEY || tries === MAX_TRIES) throw error;
      }
      // Another request has just created the row, or the row has expired and the database has not removed it yet.
      const old = { key, expire: { $lte: now } };
      const row = await this.counters.findOneAndUpdate(old, begin, { returnDocument: 'after' });
      if (row) return row.counts;
    }
  }

  /** Takes back a count in the given part of the window. */
  async takeBack(key: string, part: number): Promise<void> {
    const field = `counts.${part}`;
    await this.counters.updateOne({ key, [field]: { $gt: 0 } }, { $inc: { [field]: -1 } });
  }

  async remove(key: string): Promise<void> {
    await this.counters.deleteOne({ key });
  }

  /** Removes every key with the prefix. */
  async removeAll(prefix: string): Promise<void> {
    await this.counters.deleteMany({ key: prefixRange(prefix) });
  }

  private get counters() {
    return durableCollection<CounterRow>(this.connection, this.collection);
  }
}

function nameOf(error: unknown): string {
  if (!(error instanceof Error)) return 'an unknown error';
  const { code } = error as { code?: unknown };
  return typeof code === 'number' ? `${error.name} ${code}` : error.name;
}
