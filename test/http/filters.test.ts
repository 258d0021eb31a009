import { describe, expect, it, jest } from '@jest/globals';
import { BadRequestException, HttpException, Logger, NotFoundException } from '@nestjs/common';
import type { HttpAdapterHost } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { firstValueFrom, type Observable } from 'rxjs';
import { AuthError } from '../../src/core/errors.js';
import { AuthErrorFilter } from '../../src/http/filters/auth-error.filter.js';
import { AuthHttpException } from '../../src/http/filters/auth-http.exception.js';
import { errorAnswer } from '../../src/http/filters/error-answer.js';
import { failureBeforeRoute } from '../../src/http/filters/failure-before-route.js';
import { ParseErrorFilter } from '../../src/http/filters/parse-error.filter.js';
import type { PresentedRefreshTokens } from '../../src/http/presented-refresh-tokens.js';
import type { RefreshCookie } from '../../src/http/refresh-cookie.js';

Logger.overrideLogger(false);

/** An adapter that must not be used: every method throws. */
const adapterHost = {
  httpAdapter: new Proxy(
    {},
    {
      get: (_, name) => () => {
        throw new Error(`${String(name)} of the HTTP adapter was called`);
      },
    },
  ),
} as HttpAdapterHost;
const authErrors = new AuthErrorFilter(adapterHost, {} as RefreshCookie, {} as PresentedRefreshTokens);
const parseErrors = new ParseErrorFilter(adapterHost, authErrors);

function context(type: string, client: object = {}): ExecutionContextHost {
  const host = new ExecutionContextHost([client, {}, {}, {}]);
  host.setType(type);
  return host;
}

const ERROR = new AuthError('ACCESS_TOKEN_MISSING');
const ANSWER = errorAnswer(ERROR);
/** The form of errors in Nest messages. */
const MESSAGE = { status: 'error', ...ANSWER };

describe.each([
  [AuthErrorFilter.name, authErrors],
  [ParseErrorFilter.name, parseErrors],
])('%s outside of HTTP', (_, filter) => {
  it('GraphQL receives the error, and formats it', () => {
    expect(filter.catch(ERROR, context('graphql'))).toBe(ERROR);
    expect(ERROR.extensions).toEqual({ code: 'ACCESS_TOKEN_MISSING', statusCode: 401 });
  });

  it('a microservice receives a failing stream', async () => {
    const stream = filter.catch(ERROR, context('rpc')) as Observable<never>;
    await expect(firstValueFrom(stream)).rejects.toEqual(MESSAGE);
  });

  it('a socket.io client receives an event', () => {
    const client = { handshake: {}, emit: jest.fn(), send: jest.fn() };
    filter.catch(ERROR, context('ws', client));
    expect(client.emit).toHaveBeenCalledWith('exception', MESSAGE);
    expect(client.send).not.toHaveBeenCalled();
  });

  it('a native client receives a message: its emit would be a local event', () => {
    const client = { emit: jest.fn(), send: jest.fn<(data: string) => void>() };
    filter.catch(ERROR, context('ws', client));
    expect(client.emit).not.toHaveBeenCalled();
    expect(JSON.parse(client.send.mock.calls[0]?.[0] ?? '')).toEqual({ event: 'exception', data: MESSAGE });
  });
});

describe('what a filter logs', () => {
  const context503 = () => context('graphql');
  const linesOf = (level: 'warn' | 'error') => {
    const lines: string[] = [];
    const spy = jest.spyOn(Logger.prototype, level);
    spy.mockImplementation((...line: unknown[]) => void lines.push(line.map(String).join('\n')));
    return lines;
  };
  const filter = () => new AuthErrorFilter(adapterHost, {} as RefreshCookie, {} as PresentedRefreshTokens);

  it('is one line for many equal requests, and limited in total', () => {
    const lines = linesOf('warn');
    const one = filter();
    for (let times = 0; times < 5000; times += 1)
      one.catch(new AuthError('CROSS_SITE_REQUEST', { detail: 'origin https://evil.example' }), context503());
    expect(lines).toHaveLength(1);
    for (let times = 0; times < 5000; times += 1)
      one.catch(new AuthError('CROSS_SITE_REQUEST', { detail: `origin https://evil${times}` }), context503());
    expect(lines.length).toBeLessThan(100);
  });

  it('contains no terminal control characters', () => {
    const detail = 'origin https://\u009b31mEVIL\u009b0m\u0085fake';
    const warned = linesOf('warn');
    filter().catch(new AuthError('CROSS_SITE_REQUEST', { detail }), context503());
    const failed = linesOf('error');
    filter().catch(new AuthError('INTERNAL', { cause: new Error('a bug \u001b[31m\u0085') }), context503());
    expect(warned[0]).toContain('EVIL');
    expect(failed[0]).toContain('a bug');
    for (const line of [...warned, ...failed]) expect(line.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });
});

describe(ParseErrorFilter.name, () => {
  it.each(['graphql', 'rpc'])('leaves other errors in %s to Nest', (type) => {
    for (const error of [new Error('a bug'), new NotFoundException('order 5'), 'text'])
      expect(parseErrors.catch(error, context(type))).toBeUndefined();
  });

  it('notifies a socket of a bug without a detail', () => {
    const client = { handshake: {}, emit: jest.fn() };
    parseErrors.catch(new Error('secret internals'), context('ws', client));
    const answer = { status: 'error', ...errorAnswer(new AuthError('INTERNAL')) };
    expect(client.emit).toHaveBeenCalledWith('exception', answer);
  });
});

describe(AuthHttpException.name, () => {
  it('can be handled by any filter of a host, and keeps the error', () => {
    const exception = new AuthHttpException(ERROR);
    expect(exception).toBeInstanceOf(HttpException);
    expect(exception.getStatus()).toBe(401);
    expect(exception.getResponse()).toEqual(ANSWER);
    expect(exception.message).toBe(ERROR.message);
    expect(exception.cause).toBe(ERROR);
  });
});

describe(failureBeforeRoute.name, () => {
  const adapter = { getRequestMethod: () => 'GET', getRequestUrl: () => '/x' };
  const nest12 = { ...adapter, mapException: () => {} };
  const codeOf = (exception: unknown, host: object) =>
    failureBeforeRoute(exception, host as never, {})?.code ?? null;

  // Nest 11 keeps only the message of a parser's error.
  it.each<[string, HttpException, string]>([
    ['bad JSON on Express', new BadRequestException('Unexpected end of JSON input'), 'MALFORMED_REQUEST'],
    [
      'bad JSON on Fastify',
      new HttpException('Body is not valid JSON but content-type is …', 400),
      'MALFORMED_REQUEST',
    ],
    ['a bad path', new BadRequestException("Failed to decode param '%FF'"), 'MALFORMED_REQUEST'],
    ['a long body', new HttpException('Request body is too large', 413), 'PAYLOAD_TOO_LARGE'],
    ['an odd type', new HttpException('Unsupported Media Type: text/odd', 415), 'UNSUPPORTED_MEDIA_TYPE'],
  ])('with Nest 11 recognises %s by its message, and later only by its cause', (_, exception, code) => {
    expect(codeOf(exception, adapter)).toBe(code);
    expect(codeOf(exception, nest12)).toBeNull();
  });

  it('recognises Nest’s message for an unknown route, with exactly this route', () => {
    expect(codeOf(new NotFoundException('Cannot GET /x'), nest12)).toBe('NOT_FOUND');
    expect(codeOf(new NotFoundException('Cannot GET /y'), nest12)).toBeNull();
    expect(codeOf(new NotFoundException(), nest12)).toBeNull();
  });

  it('recognises that the client left, and not that another connection ended', () => {
    const aborted = Object.assign(new Error('aborted'), { code: 'ECONNRESET' });
    const cut = { complete: false, destroyed: true };
    const codeFor = (request: object) => failureBeforeRoute(aborted, nest12 as never, request)?.code ?? null;
    expect(codeFor({ raw: cut })).toBe('MALFORMED_REQUEST');
    expect(codeFor(cut)).toBe('MALFORMED_REQUEST');
    for (const other of [{ complete: true, destroyed: true }, { complete: false, destroyed: false }, {}])
      expect(codeFor({ raw: other })).toBeNull();
  });

  it('is not misled by exceptions of the host', () => {
    const forbidden = Object.assign(new Error('bad CSRF token'), { statusCode: 403, expose: true });
    const verify = Object.assign(new Error('no'), { statusCode: 403, type: 'entity.verify.failed' });
    const upstream = Object.assign(new Error('gone'), { code: 'FST_ERR_REPLY_FROM', statusCode: 502 });
    for (const cause of [
      forbidden,
      verify,
      upstream,
      new SyntaxError('JSON'),
      new URIError('x'),
      'text',
      null,
    ]) {
      expect(codeOf(cause, nest12)).toBeNull();
      expect(codeOf(new HttpException('x', 400, { cause }), nest12)).toBeNull();
    }
  });
});
