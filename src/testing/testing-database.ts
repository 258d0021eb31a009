import { randomBytes } from 'node:crypto';
import { createConnection } from 'mongoose';

/** A database for tests, which nothing else uses. */
export interface TestingDatabase {
  /** For `MongooseModule.forRoot`. */
  readonly uri: string;
  /** Removes all data, and stops the server if it was started for it. Close the application first. */
  close(): Promise<void>;
}

interface EmbeddedMongoPackage {
  readonly startEmbeddedMongo: () => Promise<{ readonly uri: string; close(): Promise<void> }>;
}

/** A variable, because the compiler and bundlers would ask for the package wherever this is read. */
const EMBEDDED: string = 'nestjs-silent-auth-embedded-mongo';

/**
 * A database of its own for a test file: on the server at `uri`, such as one of CI, or else on a server that it starts in this
 * process, which needs the development dependency `nestjs-silent-auth-embedded-mongo`.
 *
 * @throws Error if there is neither
 */
export async function createTestingDatabase(given: { readonly uri?: string } = {}): Promise<TestingDatabase> {
  const name = `test_${randomBytes(6).toString('hex')}`;
  if (given.uri === undefined) {
    const server = await startServer();
    return { uri: withName(server.uri, name), close: () => server.close() };
  }
  const uri = withName(given.uri, name);
  return { uri, close: () => dropDatabase(uri) };
}

async function startServer() {
  const { startEmbeddedMongo } = await (import(EMBEDDED) as Promise<EmbeddedMongoPackage>).catch(
    (cause: unknown) => {
      throw new Error(
        `createTestingDatabase needs a MongoDB: run npm install --save-dev ${EMBEDDED}, or give it a uri.`,
        { cause },
      );
    },
  );
  return startEmbeddedMongo();
}

async function dropDatabase(uri: string): Promise<void> {
  const connection = await createConnection(uri).asPromise();
  await connection.dropDatabase().finally(() => connection.close());
}

/** The query is kept. The database that checks the credentials is still the one of the URI, or else `admin`. */
function withName(uri: string, name: string): string {
  const match = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri);
  if (!match) throw new Error('createTestingDatabase takes the URI of a MongoDB: mongodb://…');
  const [, server = '', authSource, query = ''] = match;
  const parameters = new URLSearchParams(query);
  if (server.includes('@') && !parameters.has('authSource'))
    parameters.set('authSource', authSource || 'admin');
  return `${server}/${name}${parameters.size > 0 ? `?${parameters.toString()}` : ''}`;
}
