import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MongooseModule } from '@nestjs/mongoose';
import mongoose from 'mongoose';
import { AuthModule } from '../auth/auth.module.js';
import type { AuthOptions } from '../options/auth-options.js';
import { resolveOptions } from '../options/resolve-options.js';
import { DatabaseChoiceError } from './explain.js';
import { copyJournal } from './journal-copy.js';
import { newSecret } from './new-secret.js';

/** A connection that builds no indexes and collections. */
const CONNECTION = { serverSelectionTimeoutMS: 3000, autoIndex: false, autoCreate: false } as const;
/** A variable, so that compilers and bundlers do not resolve the package. */
const EMBEDDED: string = 'nestjs-silent-auth-embedded-mongo';

interface Database {
  readonly uri: string;
  close(): Promise<void>;
}

/** How a command uses the database. Reading works while a service runs, and changes nothing. */
export type Access = 'read' | 'write';

/** The part of an application context that commands use. */
export interface LibraryContext {
  get<T>(service: abstract new (...parameters: never[]) => T): T;
}

/**
 * Runs `work` with the library on the database of the environment: `MONGODB_URI`, or else the embedded database of the
 * reference service in `DATA_DIR`. Has no routes and no real keys, and builds no indexes.
 * @throws DatabaseChoiceError, ConfigurationError
 */
export async function withLibrary<T>(
  variables: NodeJS.ProcessEnv,
  access: Access,
  options: Partial<AuthOptions>,
  work: (context: LibraryContext) => Promise<T>,
): Promise<T> {
  // Check before opening anything: the connection of an application that failed to start would keep the process alive.
  resolveOptions(optionsWith(options));
  const database = await openDatabase(variables, access);
  try {
    const context = await NestFactory.createApplicationContext(CommandModule.on(database.uri, options), {
      logger: false,
      abortOnError: false,
    });
    try {
      return await work(context);
    } finally {
      await context.close();
    }
  } finally {
    await database.close();
  }
}

/** Like {@link withLibrary}, but with only the connection. @throws DatabaseChoiceError */
export async function withConnection<T>(
  variables: NodeJS.ProcessEnv,
  access: Access,
  work: (connection: mongoose.Connection) => Promise<T>,
): Promise<T> {
  const database = await openDatabase(variables, access);
  try {
    const connection = await mongoose.createConnection(database.uri, CONNECTION).asPromise();
    try {
      return await work(connection);
    } finally {
      await connection.close();
    }
  } finally {
    await database.close();
  }
}

async function openDatabase(variables: NodeJS.ProcessEnv, access: Access): Promise<Database> {
  const text = (name: string) => variables[name]?.trim() || undefined;
  const choice = text('DATABASE') ?? 'auto';
  if (choice === 'memory-server')
    throw new DatabaseChoiceError('DATABASE=memory-server keeps the database in the memory of the service');
  const uri = choice === 'embedded' ? undefined : text('MONGODB_URI');
  if (uri !== undefined) {
    if (!isMongoUri(uri)) throw new DatabaseChoiceError('MONGODB_URI is not a valid connection string');
    return { uri, close: () => Promise.resolve() };
  }
  const dataDir = text('DATA_DIR') ?? '.data';
  const folder = join(dataDir, 'db');
  if (!existsSync(folder))
    throw new DatabaseChoiceError(
      `There is no database in ${folder} yet: set MONGODB_URI, or DATA_DIR to that of the reference service`,
    );
  if (access === 'write') return openEmbedded(folder);
  const copy = await copyJournal(dataDir);
  try {
    const database = await openEmbedded(join(copy.dataDir, 'db'));
    return { ...database, close: () => database.close().finally(copy.remove) };
  } catch (error) {
    copy.remove();
    throw error;
  }
}

async function openEmbedded(journalDir: string): Promise<Database> {
  const { startEmbeddedMongo } = await (
    import(EMBEDDED) as Promise<{ startEmbeddedMongo: (options: object) => Promise<Database> }>
  ).catch((cause: unknown) => {
    throw new DatabaseChoiceError(`Reading ${journalDir} needs ${EMBEDDED}, which is not installed`, {
      cause,
    });
  });
  const server = await startEmbeddedMongo({ journalDir });
  const uri = new URL(server.uri);
  uri.pathname = '/silent-auth';
  return { uri: uri.href, close: () => server.close() };
}

/** Does not connect. The driver's own message is not shown, because it may contain the password. */
function isMongoUri(uri: string): boolean {
  try {
    return Boolean(new mongoose.mongo.MongoClient(uri));
  } catch {
    return false;
  }
}

function optionsWith(options: Partial<AuthOptions>): AuthOptions {
  return {
    issuer: 'https://issuer.invalid',
    // Random keys, because a command signs nothing.
    keys: { access: [newSecret()], refresh: [newSecret()] },
    doctor: false,
    ...options,
  };
}

/** The library without its routes, on a connection that builds no indexes. */
@Module({})
class CommandModule {
  static on(uri: string, options: Partial<AuthOptions>): DynamicModule {
    return {
      module: CommandModule,
      imports: [
        MongooseModule.forRoot(uri, {
          ...CONNECTION,
          retryAttempts: 1,
        }),
        AuthModule.forRoot({
          ...optionsWith(options),
          controllers: { auth: false, admin: false, jwks: false, introspection: false },
        }),
      ],
    };
  }
}
