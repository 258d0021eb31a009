import { ConsoleLogger, type INestApplication, type LogLevel as NestLogLevel } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import { ParseErrorFilter } from '../index.js';
import { AppModule } from './app.module.js';
import type { AppConfig, LogLevel, TrustProxy } from './config.js';
import { serveDocs } from './docs.js';

const BODY_LIMIT_BYTES = 16_384;
/** Node's own limit on a request's head. */
const MAX_URL_BYTES = 16_384;

const LEVELS: Record<LogLevel, NestLogLevel[]> = {
  silent: [],
  error: ['fatal', 'error'],
  warn: ['fatal', 'error', 'warn'],
  info: ['fatal', 'error', 'warn', 'log'],
  debug: ['fatal', 'error', 'warn', 'log', 'debug'],
  verbose: ['fatal', 'error', 'warn', 'log', 'debug', 'verbose'],
};

/** The application on the chosen adapter, alike on both, not yet listening. */
export async function createApp(config: AppConfig, databaseUri: string): Promise<INestApplication> {
  const module = AppModule.register(config, databaseUri);
  const app =
    config.httpAdapter === 'fastify' ? await fastify(config, module) : await express(config, module);
  if (config.trustedOrigins.length > 0) {
    app.enableCors({
      origin: [...config.trustedOrigins],
      credentials: true,
      exposedHeaders: ['Retry-After', 'WWW-Authenticate'],
    });
  }
  app.useGlobalFilters(app.get(ParseErrorFilter));
  serveDocs(app, config);
  return app;
}

function factoryOptions(config: AppConfig) {
  return {
    // A problem at boot is told once, by main.ts.
    abortOnError: false,
    // Bodies are JSON and small; each adapter gets its own parser.
    bodyParser: false,
    logger: new ConsoleLogger({ json: config.isProduction, logLevels: LEVELS[config.logLevel] }),
  };
}

async function express(
  config: AppConfig,
  module: ReturnType<typeof AppModule.register>,
): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(module, factoryOptions(config));
  app.useBodyParser('json', { limit: BODY_LIMIT_BYTES });
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', config.trustProxy);
  return app;
}

async function fastify(
  config: AppConfig,
  module: ReturnType<typeof AppModule.register>,
): Promise<INestApplication> {
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    trustProxy: forFastify(config.trustProxy),
    // A path parameter of any length is for the route to refuse, in the one shape.
    routerOptions: { maxParamLength: MAX_URL_BYTES },
  });
  const app = await NestFactory.create<NestFastifyApplication>(module, adapter, factoryOptions(config));
  const parseJson = adapter.getInstance().getDefaultJsonParser('error', 'error');
  app.useBodyParser(
    'application/json',
    { bodyLimit: BODY_LIMIT_BYTES },
    (request, body: string | Buffer, done) => {
      // As on Express: no bytes are no body, whatever the content type says.
      if (body.length === 0) done(null, undefined);
      else void parseJson(request as never, body.toString(), done);
    },
  );
  return app;
}

/** Express counts hops by itself; Fastify is given the counting. */
function forFastify(trust: TrustProxy) {
  return typeof trust === 'number' ? (_address: string, hop: number) => hop < trust : trust;
}
