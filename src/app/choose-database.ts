import { join } from 'node:path';
import type { AppConfig } from './config.js';

/** A database that is ready, and how to let go of it. */
export interface Database {
  readonly uri: string;
  /** For people; holds no credentials. */
  readonly description: string;
  close(): Promise<void>;
}

/** The one place that decides which MongoDB the service uses; nothing else may know. */
export async function chooseDatabase({ database, dataDir }: AppConfig): Promise<Database> {
  const { choice, uri } = database;
  if (uri !== null && (choice === 'auto' || choice === 'uri')) {
    return { uri, description: `MongoDB at ${hostsOf(uri)}`, close: () => Promise.resolve() };
  }
  return choice === 'memory-server' ? memoryServer() : embedded(join(dataDir, 'db'));
}

async function embedded(journalDir: string): Promise<Database> {
  // Only where it is asked for: what is shipped for production leaves it out.
  const { startEmbeddedMongo } = await import('../embedded-mongo/index.js').catch((cause: unknown) => {
    throw new Error('This installation holds no development database: set MONGODB_URI.', { cause });
  });
  const server = await startEmbeddedMongo({ journalDir });
  return {
    uri: withDatabaseName(server.uri),
    description: `embedded development database, kept in ${journalDir}`,
    close: () => server.close(),
  };
}

async function memoryServer(): Promise<Database> {
  const { MongoMemoryReplSet } = await import('mongodb-memory-server-core').catch((cause: unknown) => {
    throw new Error('DATABASE=memory-server needs the development dependency mongodb-memory-server-core', {
      cause,
    });
  });
  const server = await MongoMemoryReplSet.create({ replSet: { count: 1 } });
  return {
    uri: withDatabaseName(server.getUri()),
    description: 'mongodb-memory-server: a real mongod, data in memory',
    close: async () => void (await server.stop()),
  };
}

function withDatabaseName(uri: string): string {
  const url = new URL(uri);
  url.pathname = '/silent-auth';
  return url.href;
}

function hostsOf(uri: string): string {
  return /^mongodb(?:\+srv)?:\/\/(?:[^@/]*@)?([^/?]+)/.exec(uri)?.[1] ?? 'MONGODB_URI';
}
