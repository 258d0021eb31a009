import { Journal } from './journal.js';
import { RetryableWrites } from './retryable-writes.js';
import { MongoWireServer } from './server.js';
import { Store } from './store.js';

export interface EmbeddedMongoOptions {
  /** The port on 127.0.0.1; 0 takes any free one. @default 0 */
  port?: number;
  /** Where writes are kept across restarts; without it the data lives and dies with the process. */
  journalDir?: string;
  /** How often expired documents are removed, in milliseconds. @default 1000 (a real server: 60000) */
  ttlMonitorIntervalMs?: number;
}

export interface EmbeddedMongo {
  /** A connection string for the driver or Mongoose. */
  readonly uri: string;
  readonly port: number;
  /** Drops all connections and leaves nothing open. */
  close(): Promise<void>;
}

const DEFAULT_TTL_MONITOR_INTERVAL_MS = 1000;

/** Starts the development database; it is not for production and refuses to run there. */
export async function startEmbeddedMongo(options: EmbeddedMongoOptions = {}): Promise<EmbeddedMongo> {
  if (process.env.NODE_ENV === 'production') {
    throw new Error(
      'The embedded development database refuses NODE_ENV=production: it has no authentication, no replication and no backup. Give the URI of a real MongoDB.',
    );
  }
  const { port = 0, journalDir, ttlMonitorIntervalMs = DEFAULT_TTL_MONITOR_INTERVAL_MS } = options;
  const store = new Store();
  const retries = new RetryableWrites();
  const journal = journalDir === undefined ? undefined : Journal.open(journalDir, store, retries);
  const server = new MongoWireServer(store, retries, journal, ttlMonitorIntervalMs);
  try {
    await server.listen(port);
  } catch (error) {
    await server.close();
    throw error;
  }
  process.stderr.write(
    `Embedded MongoDB stand-in on 127.0.0.1:${server.port}, for development and tests only\n`,
  );
  return {
    uri: `mongodb://127.0.0.1:${server.port}/?replicaSet=rs0`,
    port: server.port,
    close: () => server.close(),
  };
}
