import type { DynamicModule, INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import helmet from 'helmet';
import { ParseErrorFilter } from '../index.js';
import { AppModule } from './app.module.js';
import type { AppConfig, TrustProxy } from './config.js';
import { serveDocs } from './docs.js';
import { createLogger, NestLogger, PrincipalInterceptor, requestLogger } from './logger.js';

const BODY_LIMIT_BYTES = 16_384;
/** Node's own limit on a request's head. */
const MAX_URL_BYTES = 16_384;

/** The application on the chosen adapter, alike on both, not yet listening. */
export async function createApp(config: AppConfig, databaseUri: string): Promise<INestApplication> {
  const logger = await createLogger(config);
  const module = AppModule.register(config, databaseUri);
  const options: NestApplicationOptions = {
    // A problem at boot is told once, by main.ts.
    abortOnError: false,
    // Bodies are JSON and small; each adapter gets its own parser.
    bodyParser: false,
    logger: new NestLogger(logger),
  };
  const app =
    config.httpAdapter === 'fastify'
      ? await fastify(config, module, options)
      : await express(config, module, options);
  app.use(requestLogger(logger));
  app.use(securityHeaders(config));
  if (config.trustedOrigins.length > 0) {
    app.enableCors({
      origin: [...config.trustedOrigins],
      credentials: true,
      exposedHeaders: ['Retry-After', 'WWW-Authenticate', 'X-Request-Id'],
    });
  }
  useJsonBodies(app, config);
  app.useGlobalInterceptors(new PrincipalInterceptor());
  app.useGlobalFilters(app.get(ParseErrorFilter));
  serveDocs(app, config);
  return app;
}

/** Nothing from elsewhere, nothing framed; styles of the API's own page may be inline. */
function securityHeaders({ isProduction }: AppConfig) {
  return helmet({
    contentSecurityPolicy: {
      directives: {
        'default-src': ["'self'"],
        'style-src': ["'self'", "'unsafe-inline'"],
        'img-src': ["'self'", 'data:'],
        'frame-ancestors': ["'none'"],
        // In development there is no HTTPS to upgrade to.
        'upgrade-insecure-requests': isProduction ? [] : null,
      },
    },
  });
}

async function express(
  config: AppConfig,
  module: DynamicModule,
  options: NestApplicationOptions,
): Promise<INestApplication> {
  const app = await NestFactory.create<NestExpressApplication>(module, options);
  app.disable('x-powered-by');
  app.disable('etag');
  app.set('trust proxy', config.trustProxy);
  return app;
}

async function fastify(
  config: AppConfig,
  module: DynamicModule,
  options: NestApplicationOptions,
): Promise<INestApplication> {
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    trustProxy: forFastify(config.trustProxy),
    // A path parameter of any length is for the route to refuse, in the one shape.
    routerOptions: { maxParamLength: MAX_URL_BYTES },
  });
  return NestFactory.create<NestFastifyApplication>(module, adapter, options);
}

/** After the headers and the log, so that a body that cannot be read has both. */
function useJsonBodies(app: INestApplication, { httpAdapter }: AppConfig): void {
  if (httpAdapter === 'express') {
    (app as NestExpressApplication).useBodyParser('json', { limit: BODY_LIMIT_BYTES });
    return;
  }
  const fastify = app as NestFastifyApplication;
  const parseJson = fastify.getHttpAdapter().getInstance().getDefaultJsonParser('error', 'error');
  const limit = { bodyLimit: BODY_LIMIT_BYTES };
  fastify.useBodyParser('application/json', limit, (request, body: string | Buffer, done) => {
    // As on Express: no bytes are no body, whatever the content type says.
    if (body.length === 0) done(null, undefined);
    else void parseJson(request as never, body.toString(), done);
  });
}

/** Express counts hops by itself; Fastify is given the counting. */
function forFastify(trust: TrustProxy) {
  return typeof trust === 'number' ? (_address: string, hop: number) => hop < trust : trust;
}
