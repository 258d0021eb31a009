import { randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { type DynamicModule, Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { MongooseModule } from '@nestjs/mongoose';
import { AuthError, AuthModule, type SecurityReport, SecurityReportService } from '../../index.js';
import { chooseDatabase, type Database } from '../choose-database.js';
import { type AppConfig, readConfig } from '../config.js';
import { ReportRefusedError, type ReportRequest, UsageError } from './report-request.js';

const SERVER_SELECTION_TIMEOUT_MS = 3000;
const ASK_THE_SERVICE = 'ask the running service instead, by --url';

/** Reads the report from the database of the service, and leaves nothing there. @throws ReportRefusedError, UsageError */
export async function readReport(
  request: ReportRequest,
  variables: NodeJS.ProcessEnv,
): Promise<SecurityReport> {
  const config = readConfig({ ...variables, ...KEYS_OF_NOBODY });
  if (config.auth.audit === false)
    throw new ReportRefusedError('AUDIT is off: nothing is counted, so there is nothing to report.');
  const database = await open(config);
  try {
    return await reportOf(config, database, request);
  } finally {
    await database.close();
  }
}

/** A report needs no keys: it is not to hold those of the service, nor to make development keys. */
const KEYS_OF_NOBODY = {
  JWT_ACCESS_KEYS: randomBytes(48).toString('base64url'),
  JWT_REFRESH_KEYS: randomBytes(48).toString('base64url'),
};

async function open(config: AppConfig): Promise<Database> {
  const { choice, uri } = config.database;
  if (choice === 'memory-server')
    throw new ReportRefusedError(
      `DATABASE=memory-server is in the service's own memory: ${ASK_THE_SERVICE}.`,
    );
  const isEmbedded = choice === 'embedded' || uri === null;
  const directory = join(config.dataDir, 'db');
  if (isEmbedded && !existsSync(directory))
    throw new ReportRefusedError(
      `There is no database in ${directory} yet: set MONGODB_URI, or DATA_DIR as the service has it.`,
    );
  try {
    return await chooseDatabase(config);
  } catch (error) {
    if (error instanceof Error && error.message.includes('is in use by process'))
      throw new ReportRefusedError(`${error.message}, which must be the service: ${ASK_THE_SERVICE}.`, {
        cause: error,
      });
    throw error;
  }
}

async function reportOf(
  config: AppConfig,
  { uri }: Database,
  request: ReportRequest,
): Promise<SecurityReport> {
  const context = await NestFactory.createApplicationContext(ReportModule.register(config, uri), {
    logger: false,
    abortOnError: false,
  });
  try {
    return await context.get(SecurityReportService).report({ from: day(request.from), to: day(request.to) });
  } catch (error) {
    if (!(error instanceof AuthError)) throw error;
    const [problem] = error.fields ?? [];
    if (problem) throw new UsageError(`--${problem.message}`);
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : '';
    throw new ReportRefusedError(`The database does not answer${cause}. Check MONGODB_URI.`, {
      cause: error,
    });
  } finally {
    await context.close();
  }
}

function day(text: string | undefined): Date | undefined {
  return text === undefined ? undefined : new Date(text);
}

/** The library without its routes, on a connection that builds nothing. */
@Module({})
class ReportModule {
  static register({ auth, redisUrl }: AppConfig, uri: string): DynamicModule {
    return {
      module: ReportModule,
      imports: [
        MongooseModule.forRoot(uri, {
          serverSelectionTimeoutMS: SERVER_SELECTION_TIMEOUT_MS,
          retryAttempts: 1,
          autoIndex: false,
          autoCreate: false,
        }),
        AuthModule.forRoot({
          ...auth,
          // Those that are shared by Redis are no concern of the database.
          revocation: redisUrl === null ? auth.revocation : { mode: 'off' },
          controllers: { auth: false, admin: false, jwks: false, introspection: false },
        }),
      ],
    };
  }
}
