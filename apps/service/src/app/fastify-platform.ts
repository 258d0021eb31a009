import { NestFactory } from '@nestjs/core';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import { answerBadUrl } from 'nestjs-silent-auth';
import { BODY_LIMIT_BYTES, type HttpPlatform, trustOf } from './http-platform.js';

/** Node's own limit on a request's head. */
const MAX_URL_BYTES = 16_384;

export const fastifyPlatform: HttpPlatform = {
  create(module, config, timeouts, options) {
    const adapter = new FastifyAdapter({
      bodyLimit: BODY_LIMIT_BYTES,
      trustProxy: trustOf(config),
      http: timeouts,
      // Fastify overrides the server's timeout with its own default, 0.
      requestTimeout: timeouts.requestTimeout,
      // Routes refuse a path parameter that is too long, with our error body.
      routerOptions: { maxParamLength: MAX_URL_BYTES },
      frameworkErrors: answerBadUrl,
    });
    return NestFactory.create<NestFastifyApplication>(module, adapter, options);
  },
  useJsonBodies(app) {
    const fastify = app as NestFastifyApplication;
    const parseJson = fastify.getHttpAdapter().getInstance().getDefaultJsonParser('error', 'error');
    const limit = { bodyLimit: BODY_LIMIT_BYTES };
    fastify.useBodyParser('application/json', limit, (request, body: string | Buffer, done) => {
      // An empty body counts as none, whatever the content type says, as on Express.
      if (body.length === 0) done(null, undefined);
      else void parseJson(request as never, body.toString(), done);
    });
  },
};
