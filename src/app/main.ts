import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { ConfigurationError, UsersService } from '../index.js';
import { seedAdministrator } from './administrator.js';
import { banner } from './banner.js';
import { chooseDatabase, type Database } from './choose-database.js';
import {
  chooseRevocationStore,
  RedisUnreachableError,
  type SharedRevocations,
} from './choose-revocation-store.js';
import { type AppConfig, readConfig } from './config.js';
import { Connections } from './connections.js';
import { createApp } from './create-app.js';

/** Within this time a service that was told to stop has stopped; most of it is for answers in flight. */
const SHUTDOWN_LIMIT_MS = 9000;
const DRAIN_LIMIT_MS = 6000;

async function main(): Promise<void> {
  const config = readConfig(process.env);
  const database = await chooseDatabase(config);
  let revocations: SharedRevocations | undefined;
  const release = async () => {
    revocations?.close();
    await database.close();
  };
  try {
    revocations = await chooseRevocationStore(config);
    const app = await start(config, database, revocations);
    stopOnSignals(app, release);
  } catch (error) {
    await release();
    throw error;
  }
}

async function start(
  config: AppConfig,
  database: Database,
  revocations: SharedRevocations,
): Promise<INestApplication> {
  const app = await createApp(config, database.uri, revocations.store);
  // Here, for their observers end with the process alone; an application may be one of several.
  if (config.metrics) collectDefaultMetrics({ register: app.get(Registry, { strict: false }) });
  await app.init();
  const administrator = await seedAdministrator(app.get(UsersService), config.admin);
  await app.listen(config.port, config.host);
  const url = (await app.getUrl()).replace('[::1]', 'localhost').replace('127.0.0.1', 'localhost');
  process.stdout.write(banner(config, { url, database: database.description, administrator }));
  return app;
}

/** Stops accepting, answers what is in flight, writes what is waiting, closes. */
function stopOnSignals(app: INestApplication, release: () => Promise<void>): void {
  const connections = new Connections(app.getHttpServer() as Server);
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
    connections
      .drain(DRAIN_LIMIT_MS)
      .then(() => app.close())
      .then(release)
      .then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

interface ListenError extends Omit<NodeJS.ErrnoException, 'code'> {
  readonly code?: string | number;
  readonly port?: number;
  readonly address?: string;
  readonly hostname?: string;
}

/** Of MongoDB. */
const AUTHENTICATION_FAILED = 18;

function fail(error: unknown): never {
  process.stderr.write(`\n${explain(error)}\n`);
  process.exit(1);
}

/** The reason in one paragraph; a stack trace only where it is a bug. */
function explain(error: unknown): string {
  if (error instanceof ConfigurationError || error instanceof RedisUnreachableError) return error.message;
  if (!(error instanceof Error)) return String(error);
  const { code, syscall, port, address, hostname } = error as ListenError;
  if (code === 'EADDRINUSE')
    return `Port ${port ?? ''} is in use: set PORT to another one, or stop the other service.`;
  if (code === 'EACCES' && syscall === 'listen')
    return `Port ${port ?? ''} may not be listened on: set PORT to one of at least 1024.`;
  if (syscall === 'getaddrinfo' || code === 'EADDRNOTAVAIL')
    return `HOST is no address of this machine: ${hostname ?? address ?? ''}. Set it to one, such as 127.0.0.1 or 0.0.0.0.`;
  if (/ServerSelection/.test(error.name))
    return `The database does not answer: ${error.message}. Check MONGODB_URI.`;
  if (syscall?.startsWith('query'))
    return `The name of the database cannot be resolved: ${hostname ?? error.message}. Check MONGODB_URI.`;
  if (error.name === 'MongoServerError' && code === AUTHENTICATION_FAILED)
    return 'The database refuses user name or password. Check MONGODB_URI.';
  return error.stack ?? error.message;
}

main().catch(fail);
