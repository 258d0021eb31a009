import { ConfigurationError, DoctorService, examineOptions, type Finding } from 'nestjs-silent-auth';
import { copyJournal } from 'nestjs-silent-auth/cli';
import { createApp } from '../app/create-app.js';
import { explain } from '../cli/explain.js';
import { within } from '../common/within.js';
import { type AppConfig, readConfig } from '../config/config.js';
import { developmentKeysWithoutTrace } from '../config/key-sets.js';
import { NOT_READ } from '../config/misspelt-variables.js';
import { chooseDatabase, type Database, ownServer } from '../storage/choose-database.js';
import { chooseRevocationStore, type SharedRevocations } from '../storage/choose-revocation-store.js';
import { examineService, withSeverity } from './service-checks.js';

/** A database that takes longer counts as unreachable. */
const LIMIT_MS = 15_000;

/** Finds every problem of a service with this environment. Does not listen and writes nothing. */
export async function examineEnvironment(variables: NodeJS.ProcessEnv): Promise<Finding[]> {
  let config: AppConfig;
  try {
    config = readConfig(variables, developmentKeysWithoutTrace());
  } catch (error) {
    if (error instanceof ConfigurationError) return refusals(error, variables);
    throw error;
  }
  const warnings = config.warnings.map((warning) => ({
    code: 'service.setting' as const,
    subject: /^[A-Z_]+/.exec(warning)?.[0] ?? 'settings',
    message: warning.replace(/\.$/, ''),
    fix: 'see docs/reference/variables.md',
  }));
  return [
    ...withSeverity(warnings, config),
    ...examineService(config),
    ...(await examineApplication(config, variables)),
  ];
}

function refusals({ problems }: ConfigurationError, variables: NodeJS.ProcessEnv): Finding[] {
  const refused = problems.map(({ key, value, fix }) => ({
    code: 'configuration.refused',
    severity: 'error' as const,
    subject: key,
    message: value === NOT_READ ? 'nothing reads it' : `${value} is refused, and the service does not start`,
    fix,
  }));
  const rest = 'the database and everything after it were not examined';
  return [...refused, ...notExamined(rest, { isProduction: variables['NODE_ENV'] === 'production' })];
}

function notExamined(message: string, config: Pick<AppConfig, 'isProduction'>): Finding[] {
  const fix = 'fix the errors first, and run this again';
  return withSeverity([{ code: 'service.not-examined', subject: 'the rest', message, fix }], config);
}

/**
 * Examines the application as it would start, up to the point where it listens; if it does not get that far, its
 * options only.
 */
async function examineApplication(config: AppConfig, variables: NodeJS.ProcessEnv): Promise<Finding[]> {
  try {
    return await within(LIMIT_MS, assembleAndExamine(config), () => {
      throw new Error(`The database does not answer within ${LIMIT_MS / 1000} s. Check MONGODB_URI.`);
    });
  } catch (error) {
    const [reason = ''] = explain(error).split('\n');
    const failure = {
      code: 'service.start-fails' as const,
      subject: /\b(?:MONGODB_URI|REDIS_URL)\b/.exec(reason)?.[0] ?? 'start',
      message: `the service does not start: ${reason.replace(/\.$/, '')}`,
      fix: 'check the address, the credentials, and whether the server runs and is reached from here',
    };
    return [
      ...withSeverity([failure], config),
      ...examineOptions(config.auth, variables['NODE_ENV']),
      ...notExamined('indexes, clock, routes and the time of a hash were not examined', config),
    ];
  }
}

async function assembleAndExamine(config: AppConfig): Promise<Finding[]> {
  const database = await databaseToRead(config);
  let revocations: SharedRevocations | undefined;
  try {
    revocations = await chooseRevocationStore(config);
    const app = await createApp(withoutTrace(config), database.uri, revocations.store);
    try {
      await app.init();
      return await app.get(DoctorService).examine({ isBeforeStart: true });
    } finally {
      await app.close();
    }
  } finally {
    revocations?.close();
    await database.close();
  }
}

/** The configuration without logging and without building indexes. */
function withoutTrace(config: AppConfig): AppConfig {
  return {
    ...config,
    logLevel: 'silent',
    auth: { ...config.auth, doctor: false },
    database: { ...config.database, buildsIndexes: false },
  };
}

/** The development database is examined in a copy: the service may be using it, and opening it writes. */
async function databaseToRead(config: AppConfig): Promise<Database> {
  if (ownServer(config) !== null) return chooseDatabase(config);
  const copy = await copyJournal(config.dataDir);
  try {
    const database = await chooseDatabase({
      ...config,
      dataDir: copy.dataDir,
      database: { choice: 'embedded', uri: null, buildsIndexes: false },
    });
    return { ...database, close: () => database.close().then(copy.remove) };
  } catch (error) {
    copy.remove();
    throw error;
  }
}
