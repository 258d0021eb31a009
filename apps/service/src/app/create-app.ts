import type { IncomingMessage } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import helmet from 'helmet';
import { AuthHttp, originMatcher, ParseErrorFilter, type RevocationStore } from 'nestjs-silent-auth';
import type { AppConfig } from '../config/config.js';
import { serveDemo } from '../demo/demo.module.js';
import { RequestTimer } from '../metrics/request-timer.js';
import { serveDocs } from '../web/docs.js';
import { serveNotFound } from '../web/not-found.js';
import { servePage } from '../web/page-files.js';
import { links, mailPages, reportPage } from '../web/pages.js';
import { serveSecurityTxt } from '../web/security-txt.js';
import { AppModule } from './app.module.js';
import type { HttpPlatform, RequestTimeouts } from './http-platform.js';
import { createLogger, NestLogger, PrincipalInterceptor, requestLogger } from './logger.js';
import { refusedPreflights } from './refused-preflights.js';

/** The time for a whole request, head and body: enough for 16 kB on the slowest line. */
const REQUEST_TIMEOUTS: RequestTimeouts = {
  headersTimeout: 20_000,
  requestTimeout: 30_000,
  connectionsCheckingInterval: 5_000,
};

/** The application on the chosen adapter, not yet listening. Both adapters behave the same. */
export async function createApp(
  config: AppConfig,
  databaseUri: string,
  revocationStore?: RevocationStore,
  timeouts = REQUEST_TIMEOUTS,
): Promise<INestApplication> {
  const logger = await createLogger(config);
  const module = AppModule.register(config, databaseUri, revocationStore);
  const platform = await loadPlatform(config);
  const app = await platform.create(module, config, timeouts, {
    // main.ts reports a problem at boot, once.
    abortOnError: false,
    // `platform.useJsonBodies` adds the parser, with our own limit.
    bodyParser: false,
    logger: new NestLogger(logger),
  });
  if (config.metrics) app.use(app.get(RequestTimer, { strict: false }).middleware);
  app.use(requestLogger(logger, config.trustProxy));
  app.use(securityHeaders(config));
  for (const page of [reportPage(config), ...mailPages(config)]) app.use(servePage(page, app.get(AuthHttp)));
  if (config.securityContacts.length > 0)
    app.use(serveSecurityTxt({ ...config, issuer: config.auth.issuer }));
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
      // Without this, Fastify allows only GET, HEAD and POST.
      methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
      exposedHeaders: ['Retry-After', 'WWW-Authenticate', 'DPoP-Nonce', 'X-Request-Id'],
    });
  }
  // After the headers and the log: a request with an unreadable body gets both.
  platform.useJsonBodies(app);
  app.useGlobalInterceptors(new PrincipalInterceptor());
  app.useGlobalFilters(app.get(ParseErrorFilter));
  serveNotFound(app, config);
  if (config.hasDocs) serveDocs(app, config);
  return app;
}

/** Loads the chosen adapter alone: the other one costs memory and time at the start. */
async function loadPlatform({ httpAdapter }: AppConfig): Promise<HttpPlatform> {
  if (httpAdapter === 'express') return (await import('./express-platform.js')).expressPlatform;
  return (await import('./fastify-platform.js')).fastifyPlatform;
}

/** Nothing is stored, so no condition on a stored copy can hold; Express would answer 304 to any. */
function withoutConditions({ headers }: IncomingMessage, _response: unknown, next: () => void): void {
  delete headers['if-none-match'];
  delete headers['if-modified-since'];
  next();
}

/** Allows resources of this origin only, and no framing; the API documentation may use inline styles. */
function securityHeaders({ isProduction }: AppConfig) {
  return helmet({
    // Whether it also holds for subdomains is for the owner of the domain to decide.
    strictTransportSecurity: { includeSubDomains: false },
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
