import { createServer, type IncomingMessage, type ServerOptions } from 'node:http';
import type { DynamicModule, INestApplication, NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import type { NestFastifyApplication } from '@nestjs/platform-fastify';
import type { FastifyReply } from 'fastify';
import helmet from 'helmet';
import { AuthHttp, originMatcher, ParseErrorFilter, type RevocationStore } from 'nestjs-silent-auth';
import type { AppConfig } from '../config/config.js';
import type { TrustProxy } from '../config/settings.js';
import { serveDemo } from '../demo/demo.module.js';
import { RequestTimer } from '../metrics/request-timer.js';
import { serveDocs } from '../web/docs.js';
import { serveNotFound } from '../web/not-found.js';
import { servePage } from '../web/page-files.js';
import { links, mailPages, reportPage } from '../web/pages.js';
import { AppModule } from './app.module.js';
import { createLogger, NestLogger, PrincipalInterceptor, requestLogger } from './logger.js';
import { proxyTrust } from './proxy-trust.js';
import { refusedPreflights } from './refused-preflights.js';

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
/** A request has to arrive within this time, head and body: 16 kB take that long on the slowest line. */
const REQUEST_TIMEOUTS: RequestTimeouts = {
  headersTimeout: 20_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
};

export type RequestTimeouts = Required<
  Pick<ServerOptions, 'headersTimeout' | 'requestTimeout' | 'connectionsCheckingInterval'>
>;

/** The application on the chosen adapter, not yet listening. Both adapters behave the same. */
export async function createApp(
  config: AppConfig,
  databaseUri: string,
  revocationStore?: RevocationStore,
  timeouts = REQUEST_TIMEOUTS,
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
      ? await fastify(config, module, options, timeouts)
      : await express(config, module, options, timeouts);
  if (config.metrics) app.use(app.get(RequestTimer, { strict: false }).middleware);
  app.use(requestLogger(logger, config.trustProxy));
  app.use(securityHeaders(config));
  for (const page of [reportPage(config), ...mailPages(config)]) app.use(servePage(page, app.get(AuthHttp)));
  if (config.hasDemo) serveDemo(app, links(config));
  app.use(withoutConditions);
  const isTrusted = originMatcher(config.trustedOrigins);
  if (!config.isProduction)
    app.use(refusedPreflights(isTrusted, (message) => logger.warn({ context: 'Origins' }, message)));
  if (config.trustedOrigins.length > 0) {
    app.enableCors({
      origin: (origin: string | undefined, done: (error: null, isTrusted: boolean) => void) =>
        done(null, isTrusted(origin ?? '')),
      credentials: true,
      // Fastify allows no others than GET, HEAD and POST by itself.
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: ['Retry-After', 'WWW-Authenticate', 'DPoP-Nonce', 'X-Request-Id'],
    });
  }
  useJsonBodies(app, config);
  app.useGlobalInterceptors(new PrincipalInterceptor());
  app.useGlobalFilters(app.get(ParseErrorFilter));
  serveNotFound(app, config);
  if (config.hasDocs) serveDocs(app, config);
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

/** Nest makes the server without options. */
class TimedExpressAdapter extends ExpressAdapter {
  constructor(private readonly timeouts: RequestTimeouts) {
    super();
  }

  override initHttpServer(): void {
    this.httpServer = createServer(this.timeouts, this.getInstance());
  }
}

async function express(
  config: AppConfig,
  module: DynamicModule,
  options: NestApplicationOptions,
  timeouts: RequestTimeouts,
): Promise<INestApplication> {
  const adapter = new TimedExpressAdapter(timeouts);
  const app = await NestFactory.create<NestExpressApplication>(module, adapter, options);
  app.disable('x-powered-by');
  app.disable('etag');
  // One path, one route: an empty id must not become the list it stands in.
  app.enable('strict routing');
  app.enable('case sensitive routing');
  app.set('trust proxy', forAdapter(config.trustProxy));
  return app;
}

async function fastify(
  config: AppConfig,
  module: DynamicModule,
  options: NestApplicationOptions,
  timeouts: RequestTimeouts,
): Promise<INestApplication> {
  const { FastifyAdapter } = await import('@nestjs/platform-fastify');
  const adapter = new FastifyAdapter({
    bodyLimit: BODY_LIMIT_BYTES,
    trustProxy: forAdapter(config.trustProxy),
    http: timeouts,
    // Fastify sets its own default, which is none.
    requestTimeout: timeouts.requestTimeout,
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

/** Everything and nothing have words of their own, which the adapters know. */
function forAdapter(trust: TrustProxy) {
  return typeof trust === 'boolean' ? trust : proxyTrust(trust);
}
