import type { IncomingMessage } from 'node:http';
import type { DynamicModule, INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import type { FastifyReply } from 'fastify';
import type { NestExpressApplication } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import helmet from 'helmet';
import { AuthHttp, ParseErrorFilter, type RevocationStore } from '../index.js';
import { AppModule } from './app.module.js';
import type { AppConfig } from './config.js';
import { serveDemo } from './demo/serve-demo.js';
import { serveDocs } from './docs.js';
import { createLogger, NestLogger, PrincipalInterceptor, requestLogger } from './logger.js';
import { mailPages } from './mail/mail-pages.js';
import { RequestTimer } from './metrics/request-timer.js';
import { servePage } from './page-files.js';
import { reportPage } from './report-page.js';
import type { TrustProxy } from './settings-reader.js';

const BODY_LIMIT_BYTES = 16_384;
/** A URL that Fastify cannot decode reaches no filter. */
const UNREADABLE = {
  statusCode: 400,
  code: 'MALFORMED_REQUEST',
  message: 'The request could not be read.',
  error: 'Bad Request',
} as const;
/** Forms, which the module reads itself; what is sent there as JSON is refused in the shape of the RFCs. */
const READ_BY_THE_MODULE = /^\/auth\/(?:introspect|revoke)(?:\?|$)/;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
/** Node's own limit on a request's head. */
const MAX_URL_BYTES = 16_384;

/** The application on the chosen adapter, alike on both, not yet listening. */
export async function createApp(
  config: AppConfig,
  databaseUri: string,
  revocationStore?: RevocationStore,
): Promise<INestApplication> {
  const logger = await createLogger(config);
  const module = AppModule.register(config, databaseUri, revocationStore);
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
  if (config.metrics) app.use(app.get(RequestTimer, { strict: false }).middleware);
  app.use(requestLogger(logger));
  app.use(securityHeaders(config));
  for (const page of [reportPage(), ...mailPages(config)]) app.use(servePage(page, app.get(AuthHttp)));
  if (config.hasDemo) serveDemo(app);
  app.use(withoutConditions);
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

/** Nothing is stored, so no condition on a stored copy can hold; Express would answer 304 to any. */
function withoutConditions({ headers }: IncomingMessage, _response: unknown, next: () => void): void {
  delete headers['if-none-match'];
  delete headers['if-modified-since'];
  next();
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
  // One path, one route: an empty id must not become the list it stands in.
  app.enable('strict routing');
  app.enable('case sensitive routing');
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
    frameworkErrors: (_error: unknown, _request: unknown, reply: FastifyReply) => {
      void reply.status(400).header('Cache-Control', 'no-store').send(UNREADABLE);
    },
  });
  return NestFactory.create<NestFastifyApplication>(module, adapter, options);
}

/** After the headers and the log, so that a body that cannot be read has both. */
function useJsonBodies(app: INestApplication, { httpAdapter }: AppConfig): void {
  if (httpAdapter === 'express') {
    (app as NestExpressApplication).useBodyParser('json', { limit: BODY_LIMIT_BYTES, type: isJsonToRead });
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

/** A body of a GET means nothing (RFC 9110 §9.3.1): it is not looked at, as on Fastify. */
function isJsonToRead({ method, url, headers }: IncomingMessage): boolean {
  if (method === 'GET' || method === 'HEAD' || READ_BY_THE_MODULE.test(url ?? '')) return false;
  return JSON_TYPE.test(headers['content-type'] ?? '');
}

/** Express counts hops by itself; Fastify is given the counting. */
function forFastify(trust: TrustProxy) {
  return typeof trust === 'number' ? (_address: string, hop: number) => hop < trust : trust;
}
