import { existsSync } from 'node:fs';
import { delimiter, join } from 'node:path';

/**
 * The one place that decides which MongoDB the tests use: `TEST_MONGODB_URI`, else a mongod on this machine
 * or in the cache of mongodb-memory-server, else the embedded development server. Nothing is downloaded
 * unless requested (`TEST_DATABASE=memory-server`). The choice is printed; tests must not depend on it.
 */
export default async function setup() {
  const { uri, description, close } = await chooseDatabase();
  process.env.TEST_DATABASE_URI = uri;
  // The report of the proof prints it.
  process.env.TEST_DATABASE_DESCRIPTION = description;
  globalThis.closeTestDatabase = close;
  process.stderr.write(`\nDatabase of the tests: ${description}\n`);
}

async function chooseDatabase() {
  const given = process.env.TEST_MONGODB_URI;
  if (given) return { uri: given, description: 'MongoDB at TEST_MONGODB_URI', close: async () => {} };
  if (process.env.TEST_DATABASE === 'memory-server') return memoryServer();
  const binary = await findMongod();
  return binary ? memoryServer(binary) : embedded();
}

async function findMongod() {
  const onPath = (process.env.PATH ?? '')
    .split(delimiter)
    .map((folder) => join(folder, 'mongod'))
    .find(existsSync);
  if (onPath) return onPath;
  const { DryMongoBinary } = await import('mongodb-memory-server-core');
  return DryMongoBinary.locateBinary({ version: '8.0.4' }).catch(() => undefined);
}

async function memoryServer(systemBinary) {
  const { MongoMemoryReplSet } = await import('mongodb-memory-server-core');
  const server = await MongoMemoryReplSet.create({
    replSet: { count: 1 },
    binary: systemBinary ? { systemBinary } : {},
  });
  return {
    uri: server.getUri(),
    description: `mongod ${systemBinary ?? '(downloaded)'}`,
    close: async () => void (await server.stop()),
  };
}

async function embedded() {
  const built = new URL('../../packages/embedded-mongo/dist/index.js', import.meta.url);
  if (!existsSync(built)) throw new Error('build first: npm run build');
  const { startEmbeddedMongo } = await import(built.href);
  const server = await startEmbeddedMongo();
  return { uri: server.uri, description: 'the embedded development server', close: () => server.close() };
}
