import { randomBytes } from 'node:crypto';
import { createConnection } from 'mongoose';

/** A separate database for tests. */
export interface TestingDatabase {
  /** The URI for `MongooseModule.forRoot`. */
  readonly uri: string;
  /** Removes all data, and stops the server if one was started. Close the application first. */
  close(): Promise<void>;
}

interface EmbeddedMongoPackage {
  readonly startEmbeddedMongo: () => Promise<{ readonly uri: string; close(): Promise<void> }>;
}

/** A variable, so that compilers and bundlers do not resolve the package. */
const EMBEDDED: string = 'nestjs-silent-auth-embedded-mongo';

/**
 * Creates a separate database for a test file: on the server at `uri`, for example in CI, or else on a server that it starts
 * in this process, which needs the development dependency `nestjs-silent-auth-embedded-mongo`.
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
        `createTestingDatabase needs a MongoDB: run npm install --save-dev ${EMBEDDED}, or pass a uri.`,
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

/** Replaces the database name and keeps the query. Credentials are still checked by the URI's database, or else by `admin`. */
function withName(uri: string, name: string): string {
  const match = /^(mongodb(?:\+srv)?:\/\/[^/?]+)(?:\/([^?]*))?(?:\?(.*))?$/.exec(uri);
  if (!match) throw new Error('createTestingDatabase needs the URI of a MongoDB: mongodb://…');
  const [, server = '', authSource, query = ''] = match;
  const parameters = new URLSearchParams(query);
  if (server.includes('@') && !parameters.has('authSource'))
    parameters.set('authSource', authSource || 'admin');
  return `${server}/${name}${parameters.size > 0 ? `?${parameters.toString()}` : ''}`;
}
