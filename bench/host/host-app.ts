import { type INestApplication, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { getConnectionToken, MongooseModule } from '@nestjs/mongoose';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { Connection } from 'mongoose';
import { AuthModule, type AuthOptions } from 'nestjs-silent-auth';
import { BareController } from './bare.controller.js';
import { CommandLog } from './command-log.js';
import { GuardedController } from './guarded.controller.js';
import { openRevocations } from './revocations.js';
import { TextbookModule } from './textbook.module.js';
import { textbookStrategies } from './textbook-guard.js';

export type Adapter = 'express' | 'fastify';
export const ADAPTERS: readonly Adapter[] = ['express', 'fastify'];

/** A measured application: the library, and next to it what the library is compared with. */
export interface HostConfig {
  readonly adapter: Adapter;
  /** Dropped when the bench ends. */
  readonly database: string;
  /** Hosts of several processes with the same name share the database. */
  readonly sharedAs?: string;
  /** How the processes share revocations; by default in the fastest way that the database supports. */
  readonly revocations?: 'polled' | { readonly redisUrl: string };
  /** Low if logins are only preparation. */
  readonly bcryptCost?: number;
  readonly hashQueueLimit?: number;
  /** The audit log; on by default. */
  readonly audit?: boolean;
  /** Whether the access tokens of sessions that are bound to a key are bound as well. */
  readonly bindsAccessTokens?: boolean;
  /** Watching commands takes time itself, so only if they are what is measured. */
  readonly countsCommands?: boolean;
}

export interface HostKeys {
  readonly access: string;
  readonly refresh: string;
}

export interface RunningHost {
  readonly origin: string;
  readonly connection: Connection;
  readonly commands: CommandLog;
  readonly close: () => Promise<void>;
}

const CHEAP_BCRYPT = 4;

export async function startHost(
  {
    adapter,
    bcryptCost = CHEAP_BCRYPT,
    hashQueueLimit,
    audit = true,
    bindsAccessTokens = false,
    countsCommands = false,
    revocations,
  }: HostConfig,
  keys: HostKeys,
  database: { readonly uri: string; readonly dbName: string },
): Promise<RunningHost> {
  const commands = new CommandLog();
  const shared = await openRevocations(revocations, database);
  const options: AuthOptions = {
    issuer: 'https://bench.example.com',
    keys: { access: [keys.access], refresh: [keys.refresh] },
    password: { bcryptCost, ...(hashQueueLimit === undefined ? {} : { hashQueueLimit }) },
    // All clients of a bench share one address.
    throttle: false,
    ...(shared ? { revocation: { store: shared.store } } : {}),
    ...(audit ? {} : { audit: false }),
    ...(bindsAccessTokens ? { accessToken: { senderConstraint: 'on' } } : {}),
  };

  @Module({
    imports: [
      MongooseModule.forRoot(database.uri, {
        dbName: database.dbName,
        serverSelectionTimeoutMS: 5_000,
        monitorCommands: countsCommands,
        onConnectionCreate: (connection: Connection) => {
          connection.on('open', () => commands.follow(connection.getClient()));
        },
      }),
      AuthModule.forRoot(options),
      TextbookModule.register(keys),
    ],
    controllers: [GuardedController, BareController],
    providers: [...textbookStrategies(keys.access)],
  })
  class HostModule {}

  const app: INestApplication =
    adapter === 'fastify'
      ? await NestFactory.create<NestFastifyApplication>(HostModule, new FastifyAdapter(), {
          logger: ['error'],
        })
      : await NestFactory.create(HostModule, { logger: ['error'] });
  await app.listen(0, '127.0.0.1');
  const connection = app.get<Connection>(getConnectionToken());
  const close = async () => {
    await app.close();
    await shared?.close();
  };
  return { origin: await app.getUrl(), connection, commands, close };
}
