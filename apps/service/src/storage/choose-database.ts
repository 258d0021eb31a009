import { join } from 'node:path';
import type { AppConfig } from '../config/config.js';

/** Without a server, a request must fail soon with 503, not after the driver's default of 30 seconds. */
export const SERVER_SELECTION_TIMEOUT_MS = 3000;

/** A database that is ready, and how to close it. */
export interface Database {
  readonly uri: string;
  /** For people to read; without credentials. */
  readonly description: string;
  close(): Promise<void>;
}

/** Decides which MongoDB the service uses; no other code knows. */
export async function chooseDatabase(config: AppConfig): Promise<Database> {
  const uri = ownServer(config);
  if (uri !== null) return { uri, description: `MongoDB at ${hostsOf(uri)}`, close: () => Promise.resolve() };
  return config.database.choice === 'memory-server' ? memoryServer() : embedded(embeddedFolder(config));
}

/** The URI of the operator's MongoDB; null: a development database is started. */
export function ownServer({ database: { choice, uri } }: AppConfig): string | null {
  return choice === 'auto' || choice === 'uri' ? uri : null;
}

function embeddedFolder({ dataDir }: Pick<AppConfig, 'dataDir'>): string {
  return join(dataDir, 'db');
}

async function embedded(journalDir: string): Promise<Database> {
  // Imported only when needed: a production installation does not contain it.
  const { startEmbeddedMongo } = await import('nestjs-silent-auth-embedded-mongo').catch((cause: unknown) => {
    throw new Error('This installation contains no development database: set MONGODB_URI.', { cause });
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
    close: async () => {
      await server.stop();
    },
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
