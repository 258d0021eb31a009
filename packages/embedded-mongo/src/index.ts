import { Journal } from './engine/journal.js';
import { RetryableWrites } from './engine/retryable-writes.js';
import { Store } from './engine/store.js';
import { MongoWireServer } from './server.js';

/** How the development database starts. */
export interface EmbeddedMongoOptions {
  /**
   * The port on 127.0.0.1. `0` takes any free port.
   * @default 0
   */
  port?: number;
  /**
   * A folder that keeps the data across restarts; it is created if it is missing. One server at a time may use it.
   * @default none: the data is lost when the server closes
   */
  journalDir?: string;
  /**
   * How often TTL indexes remove expired documents, in milliseconds.
   * @default 1000 (MongoDB: 60000)
   */
  ttlMonitorIntervalMs?: number;
}

/** A running development database. */
export interface EmbeddedMongo {
  /** A connection string for the MongoDB driver or Mongoose, such as `mongodb://127.0.0.1:49152/?replicaSet=rs0`. */
  readonly uri: string;
  /** The port on 127.0.0.1. */
  readonly port: number;
  /** Closes all connections and the journal. */
  close(): Promise<void>;
}

const DEFAULT_TTL_MONITOR_INTERVAL_MS = 1000;

/**
 * Starts a database for development and tests that speaks MongoDB's wire protocol on 127.0.0.1, and reports this on
 * stderr. It has no authentication and no replication. The README lists what it supports; a client gets error 238
 * (`NotImplemented`) for anything else.
 *
 * @example
 * const database = await startEmbeddedMongo({ journalDir: '.data/db' });
 * await mongoose.connect(database.uri);
 * // ...
 * await mongoose.disconnect();
 * await database.close();
 *
 * @throws Error if `NODE_ENV` is `production`
 * @throws Error if the journal is damaged, or in use by another process
 * @throws Error with the code `EADDRINUSE` if the port is taken
 */
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
    `Embedded development database on 127.0.0.1:${server.port}, for development and tests only\n`,
  );
  return {
    uri: `mongodb://127.0.0.1:${server.port}/?replicaSet=rs0`,
    port: server.port,
    close: () => server.close(),
  };
}
