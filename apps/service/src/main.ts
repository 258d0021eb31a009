import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { DoctorService, type Finding, UsersService } from 'nestjs-silent-auth';
import { readEnvFile } from 'nestjs-silent-auth/cli';
import { collectDefaultMetrics, Registry } from 'prom-client';
import { seedAdministrator } from './administrator.js';
import { createApp } from './app/create-app.js';
import { banner, credentials } from './banner.js';
import { explain } from './cli/explain.js';
import { HeldRequests } from './common/held-requests.js';
import { within } from './common/within.js';
import { type AppConfig, readConfig } from './config/config.js';
import { Connections } from './connections.js';
import { examineService } from './doctor/service-checks.js';
import { chooseDatabase, type Database } from './storage/choose-database.js';
import { chooseRevocationStore, type SharedRevocations } from './storage/choose-revocation-store.js';

/** Maximum time for a shutdown; most of it is for answers in flight. */
const SHUTDOWN_LIMIT_MS = 9000;
const DRAIN_LIMIT_MS = 6000;
const EXAMINATION_LIMIT_MS = 3000;

async function main(): Promise<void> {
  const settingsFrom = readEnvFile(process.env);
  const config = readConfig(process.env);
  const database = await chooseDatabase(config);
  let revocations: SharedRevocations | undefined;
  const release = async () => {
    revocations?.close();
    await database.close();
  };
  try {
    revocations = await chooseRevocationStore(config);
    await start(config, database, revocations, settingsFrom, release);
  } catch (error) {
    await release();
    throw error;
  }
}

async function start(
  config: AppConfig,
  database: Database,
  revocations: SharedRevocations,
  settingsFrom: string | null,
  release: () => Promise<void>,
): Promise<void> {
  const app = await createApp(config, database.uri, revocations.store);
  // Registered here, because the observers live as long as the process; an application may be one of several.
  if (config.metrics) collectDefaultMetrics({ register: app.get(Registry, { strict: false }) });
  // Requests wait, so that nobody can register the administrator's address first.
  const held = new HeldRequests();
  app.use(held.middleware);
  await app.init();
  // Before the account is created: a start that fails because of the port would lose its password.
  await app.listen(config.port, config.host);
  const seeding = createAdministrator(app.get(UsersService), config.admin);
  const isStopping = stopOnSignals(app, seeding, release);
  const administrator = await seeding;
  held.release();
  if (isStopping()) return;
  const url = (await app.getUrl()).replace('[::1]', 'localhost').replace('127.0.0.1', 'localhost');
  const findings = await examined(app.get(DoctorService), config);
  const running = { url, database: database.description, administrator, findings, settingsFrom };
  process.stdout.write(banner(config, running));
}

/** Shows the password as soon as the account is created: no later failure can lose it. */
async function createAdministrator(users: UsersService, admin: AppConfig['admin']) {
  const administrator = await seedAdministrator(users, admin);
  if (administrator?.outcome === 'made') process.stdout.write(credentials(administrator));
  return administrator;
}

/** The doctor's findings; the banner does not wait long for a slow database. */
async function examined(doctor: DoctorService, config: AppConfig): Promise<readonly Finding[]> {
  const own = examineService(config);
  doctor.report(own);
  return [...own, ...(await within(EXAMINATION_LIMIT_MS, doctor.atBoot, () => []))];
}

/**
 * Stops accepting, answers what is in flight, writes what is queued, closes. If an account is being created, its
 * password is shown first.
 * @returns whether stopping has begun
 */
function stopOnSignals(
  app: INestApplication,
  seeding: Promise<unknown>,
  release: () => Promise<void>,
): () => boolean {
  const connections = new Connections(app.getHttpServer() as Server);
  let isStopping = false;
  const stop = () => {
    if (isStopping) return;
    isStopping = true;
    setTimeout(() => process.exit(1), SHUTDOWN_LIMIT_MS).unref();
    seeding
      .catch(() => undefined)
      .then(() => connections.drain(DRAIN_LIMIT_MS))
      .then(() => app.close())
      .then(release)
      .then(
        () => process.exit(0),
        (error: unknown) => fail(error),
      );
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
  return () => isStopping;
}

function fail(error: unknown): never {
  process.stderr.write(`\n${explain(error)}\n`);
  process.exit(1);
}

main().catch(fail);
