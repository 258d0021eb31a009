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
import { servePage } from '../web/page-files.js';
import { mailPages, reportPage } from '../web/pages.js';
import { AppModule } from './app.module.js';
import { createLogger, NestLogger, PrincipalInterceptor, requestLogger } from './logger.js';
import { proxyTrust } from './proxy-trust.js';
import { refusedPreflights } from './refused-preflights.js';

const BODY_LIMIT_BYTES = 16_384;
/** Fastify answers a URL that it cannot decode without calling an exception filter. */
const UNREADABLE = {
  statusCode: 400,
  code: 'MALFORMED_REQUEST',
  message: 'The request could not be read.',
  error: 'Bad Request',
} as const;
/** Routes that take forms. The module parses these itself, and refuses JSON with the error shape of the RFCs. */
const READ_BY_THE_MODULE = /^\/auth\/(?:introspect|revoke)(?:\?|$)/;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;
/** Node's own limit for the head of a request. */
const MAX_URL_BYTES = 16_384;
/** Maximum time for a whole request to arrive, head and body: enough for 16 kB on a very slow line. */
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
    // A problem at boot is printed once, by main.ts.
    abortOnError: false,
    // Bodies are small JSON; each adapter gets its own parser.
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
  for (const page of [reportPage(), ...mailPages(config)]) app.use(servePage(page, app.get(AuthHttp)));
  if (config.hasDemo) serveDemo(app);
  app.use(withoutConditions);
  const isTrusted = originMatcher(config.trustedOrigins);
  if (!config.isProduction)
    app.use(refusedPreflights(isTrusted, (message) => logger.warn({ context: 'Origins' }, message)));
  if (config.trustedOrigins.length > 0) {
    app.enableCors({
      origin: (origin: string | undefined, done: (error: null, isTrusted: boolean) => void) =>
        done(null, isTrusted(origin ?? '')),
      credentials: true,
      // Without this, Fastify allows only GET, HEAD and POST.
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: ['Retry-After', 'WWW-Authenticate', 'DPoP-Nonce', 'X-Request-Id'],
    });
  }
  useJsonBodies(app, config);
  app.useGlobalInterceptors(new PrincipalInterceptor());
  app.useGlobalFilters(app.get(ParseErrorFilter));
  if (config.hasDocs) serveDocs(app, config);
  return app;
}

/** Responses are never stored, so no conditional request can apply; Express would answer 304 to any. */
function withoutConditions({ headers }: IncomingMessage, _response: unknown, next: () => void): void {
  delete headers['if-none-match'];
  delete headers['if-modified-since'];
  next();
}

/** Allows resources of this origin only, and no framing; the API documentation may use inline styles. */
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

/** Creates the server itself, because Nest would create it without options. */
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
  // One path, one route: an empty id must not match the route of the list.
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
    // Fastify would override this with its own default of no timeout.
    requestTimeout: timeouts.requestTimeout,
    // The route refuses an overlong path parameter, so that the error has the usual shape.
    routerOptions: { maxParamLength: MAX_URL_BYTES },
    frameworkErrors: (_error: unknown, _request: unknown, reply: FastifyReply) => {
      void reply.status(400).header('Cache-Control', 'no-store').send(UNREADABLE);
    },
  });
  return NestFactory.create<NestFastifyApplication>(module, adapter, options);
}

/** Registered after the headers and the log, so that an unreadable body gets both. */
function useJsonBodies(app: INestApplication, { httpAdapter }: AppConfig): void {
  if (httpAdapter === 'express') {
    (app as NestExpressApplication).useBodyParser('json', { limit: BODY_LIMIT_BYTES, type: isJsonToRead });
    return;
  }
  const fastify = app as NestFastifyApplication;
  const parseJson = fastify.getHttpAdapter().getInstance().getDefaultJsonParser('error', 'error');
  const limit = { bodyLimit: BODY_LIMIT_BYTES };
  fastify.useBodyParser('application/json', limit, (request, body: string | Buffer, done) => {
    // As on Express: an empty body is no body, whatever the content type.
    if (body.length === 0) done(null, undefined);
    else void parseJson(request as never, body.toString(), done);
  });
}

/** The body of a GET has no meaning (RFC 9110 §9.3.1), so it is ignored, as on Fastify. */
function isJsonToRead({ method, url, headers }: IncomingMessage): boolean {
  if (method === 'GET' || method === 'HEAD' || READ_BY_THE_MODULE.test(url ?? '')) return false;
  return JSON_TYPE.test(headers['content-type'] ?? '');
}

/** The adapters have their own values for "trust every proxy" and "trust none". */
function forAdapter(trust: TrustProxy) {
  return typeof trust === 'boolean' ? trust : proxyTrust(trust);
}
