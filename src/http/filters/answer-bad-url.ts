import { AuthError } from '../../core/errors.js';
import { errorAnswer, errorHeaders } from './error-answer.js';

/** The part of Fastify's reply that {@link answerBadUrl} uses: the response of Node. */
export interface BadUrlReply {
  readonly raw: {
    writeHead(status: number, headers: Record<string, string>): unknown;
    end(body: string): unknown;
  };
}

/**
 * For Fastify's option `frameworkErrors`: a URL that cannot be decoded gets the library's error shape. Fastify answers such
 * a request itself, so that no filter sees it. On Express, `ParseErrorFilter` is enough.
 * @example
 * new FastifyAdapter({ frameworkErrors: answerBadUrl })
 */
export function answerBadUrl(cause: Error, _request: unknown, { raw }: BadUrlReply): void {
  const error = new AuthError('MALFORMED_REQUEST', { message: 'The request could not be read.', cause });
  const headers = { ...errorHeaders(error), 'Content-Type': 'application/json; charset=utf-8' };
  raw.writeHead(error.status, headers);
  raw.end(JSON.stringify(errorAnswer(error)));
}
