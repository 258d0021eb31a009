import { createServer, type IncomingMessage } from 'node:http';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { BODY_LIMIT_BYTES, type HttpPlatform, type RequestTimeouts, trustOf } from './http-platform.js';

/** Forms that the library parses itself; it refuses JSON there as RFC 7662 and RFC 7009 require. */
const READ_BY_THE_MODULE = /^\/auth\/(?:introspect|revoke)(?:\?|$)/;
const JSON_TYPE = /^application\/json\s*(?:;|$)/i;

export const expressPlatform: HttpPlatform = {
  async create(module, config, timeouts, options) {
    const app = await NestFactory.create<NestExpressApplication>(
      module,
      new TimedExpressAdapter(timeouts),
      options,
    );
    app.disable('x-powered-by');
    app.disable('etag');
    app.set('trust proxy', trustOf(config));
    return app;
  },
  useJsonBodies(app) {
    (app as NestExpressApplication).useBodyParser('json', { limit: BODY_LIMIT_BYTES, type: hasJsonBody });
  },
};

/** Nest creates the server without options, so without timeouts. */
class TimedExpressAdapter extends ExpressAdapter {
  constructor(private readonly timeouts: RequestTimeouts) {
    super();
    // Paths match exactly, as on Fastify; otherwise `/users/` with an empty id would answer as `/users`. The settings of the
    // application come too late: Nest's adapter has created the router already.
    Object.assign(this.getInstance<{ router: object }>().router, { strict: true, caseSensitive: true });
  }

  override initHttpServer(): void {
    this.httpServer = createServer(this.timeouts, this.getInstance());
  }
}

/** The body of a GET has no meaning (RFC 9110 §9.3.1), so it is ignored, as on Fastify. */
function hasJsonBody({ method, url, headers }: IncomingMessage): boolean {
  if (method === 'GET' || method === 'HEAD' || READ_BY_THE_MODULE.test(url ?? '')) return false;
  return JSON_TYPE.test(headers['content-type'] ?? '');
}
