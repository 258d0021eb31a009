import { EventEmitter, once } from 'node:events';
import { request, type ServerResponse } from 'node:http';
import { connect } from 'node:net';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type ArgumentsHost,
  BadRequestException,
  Body,
  type CanActivate,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  HttpException,
  type INestApplication,
  Injectable,
  type ModuleMetadata,
  NotFoundException,
  Post,
  UnauthorizedException,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD, HttpAdapterHost } from '@nestjs/core';
import {
  AuthError,
  AuthHttpException,
  AuthModule,
  AuthService,
  JwtAuthGuard,
  ParseErrorFilter,
} from '../../src/index.js';
import { type Adapter, ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import { expectError, newSession, PASSWORD, uniqueEmail } from '../support/http.js';

@Controller('host')
class HostController {
  constructor(private readonly auth: AuthService) {}

  @Get('amount')
  amount() {
    throw new BadRequestException('amount must be positive');
  }

  @Get('order')
  order() {
    throw new NotFoundException('order 5');
  }

  @Get('list')
  list() {
    throw new BadRequestException({ message: ['a must be a string', 'b is missing'], error: 'Bad Request' });
  }

  @Get('wrapped')
  wrapped() {
    throw new HttpException('no JSON in here', 400, { cause: new SyntaxError('Unexpected token in JSON') });
  }

  @Get('http-error')
  httpError() {
    throw Object.assign(new Error('pay first'), { statusCode: 402, status: 402, expose: true });
  }

  @Get('bug')
  bug() {
    throw new TypeError('secret internals');
  }

  @Get('service')
  async service() {
    await this.auth.endSession('nobody', 'nothing');
  }

  @Post('echo')
  echo(@Body() body: unknown) {
    return { body };
  }

  @Get('guarded')
  @UseGuards(JwtAuthGuard)
  guarded() {
    return { ok: true };
  }
}

interface LogLine {
  level: string;
  text: string;
}

/** Starts a host that collects the lines of its log. */
async function startHost(
  adapter: Adapter,
  {
    configure = () => {},
    ...metadata
  }: ModuleMetadata & { configure?: (app: INestApplication) => void } = {},
  options: Parameters<typeof AuthModule.forRoot>[0] = authOptions(),
): Promise<{ host: HostApp; lines: LogLine[] }> {
  const lines: LogLine[] = [];
  const write =
    (level: string) =>
    (...parts: unknown[]) =>
      void lines.push({ level, text: parts.map(String).join(' ') });
  const logger = { log: write('log'), error: write('error'), warn: write('warn') };
  const host = await HostApp.startWith(
    adapter,
    {
      ...metadata,
      imports: [AuthModule.forRoot(options)],
      controllers: [HostController, ...(metadata.controllers ?? [])],
    },
    undefined,
    (app) => {
      app.useLogger(logger);
      configure(app);
    },
  );
  return { host, lines };
}

let running: HostApp | undefined;
afterEach(async () => {
  await running?.stop();
  running = undefined;
});

async function start(...parameters: Parameters<typeof startHost>) {
  const started = await startHost(...parameters);
  running = started.host;
  return { ...started, api: started.host.api() };
}

describe.each(ADAPTERS)('ParseErrorFilter on %s', (adapter) => {
  const withFilter = {
    configure: (app: INestApplication) => app.useGlobalFilters(app.get(ParseErrorFilter)),
  };

  it("does not change the answer to the host's own exceptions", async () => {
    const { api } = await start(adapter, withFilter);
    const answers = async (path: string) => {
      const { status, json } = await api.send('GET', path);
      return { status, ...json };
    };
    expect(await answers('/host/amount')).toMatchObject({ status: 400, message: 'amount must be positive' });
    expect(await answers('/host/order')).toMatchObject({ status: 404, message: 'order 5' });
    expect((await answers('/host/list')).message).toEqual(['a must be a string', 'b is missing']);
    expect(await answers('/host/wrapped')).toMatchObject({ status: 400, message: 'no JSON in here' });
    expect(await answers('/host/http-error')).toMatchObject({ status: 402, message: 'pay first' });
    for (const path of ['/host/amount', '/host/order', '/host/list', '/host/wrapped', '/host/http-error'])
      expect(await answers(path)).not.toHaveProperty('code');
  });

  it('shapes errors that occur before a route', async () => {
    const { api } = await start(adapter, withFilter);
    const post = (raw: string | Buffer, headers = {}) => api.send('POST', '/host/echo', { raw, headers });
    expectError(await api.send('GET', '/nowhere?a=1'), 404, 'NOT_FOUND');
    expectError(await post('{"a":'), 400, 'MALFORMED_REQUEST');
    expectError(await post(`"${'x'.repeat(2_000_000)}"`), 413, 'PAYLOAD_TOO_LARGE');
    if (adapter === 'fastify')
      expectError(await post('a', { 'content-type': 'text/odd' }), 415, 'UNSUPPORTED_MEDIA_TYPE');
    else {
      const charset = { 'content-type': 'application/json; charset=klingon' };
      expectError(await post('{}', charset), 415, 'UNSUPPORTED_MEDIA_TYPE');
      expectError(await post('no gzip', { 'content-encoding': 'gzip' }), 400, 'MALFORMED_REQUEST');
    }
    const badUrl = await api.send('DELETE', '/auth/sessions/%FF');
    expectError(badUrl, 400, 'MALFORMED_REQUEST');
    expect(badUrl.json.message).toBe('The request could not be read.');
  });

  it('does not log a client that leaves while it sends its body', async () => {
    const seen = new EventEmitter();
    const { host, api, lines } = await start(adapter, {
      configure: (app: INestApplication) => {
        withFilter.configure(app);
        app.use((_request: unknown, response: ServerResponse, next: () => void) => {
          response.once('close', () => seen.emit('closed'));
          next();
          seen.emit('arrived');
        });
      },
    });
    const before = lines.length;
    const socket = connect(Number(new URL(host.origin).port), '127.0.0.1');
    const head = 'POST /host/echo HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n';
    socket.write(`${head}Content-Length: 500\r\n\r\n{"email":`);
    await once(seen, 'arrived');
    socket.destroy();
    await once(seen, 'closed');
    await api.send('GET', '/host/order');
    expect(lines.slice(before)).toEqual([]);
  });

  it('answers a bug without a detail, and logs it with its stack', async () => {
    const { api, lines } = await start(adapter, withFilter);
    expectError(await api.send('GET', '/host/bug'), 500, 'INTERNAL');
    const line = lines.find(({ level }) => level === 'error');
    expect(line?.text).toMatch(/INTERNAL.*secret internals[\s\S]*host-errors\.test/);
    expectError(await api.send('GET', '/host/guarded'), 401, 'ACCESS_TOKEN_MISSING');
    expectError(await api.send('GET', '/host/service'), 404, 'NOT_FOUND');
  });
});

describe.each(ADAPTERS)('a host with a catch-all filter, on %s', (adapter) => {
  /** A filter as in the documentation of Nest. */
  @Catch()
  class CatchEverythingFilter implements ExceptionFilter {
    constructor(private readonly httpAdapterHost: HttpAdapterHost) {}

    catch(exception: unknown, host: ArgumentsHost): void {
      const { httpAdapter } = this.httpAdapterHost;
      const statusCode = exception instanceof HttpException ? exception.getStatus() : 500;
      const cause = exception instanceof AuthHttpException ? exception.cause : null;
      httpAdapter.reply(
        host.switchToHttp().getResponse(),
        {
          statusCode,
          theirs: true,
          isAuthError: cause instanceof AuthError,
          body: exception instanceof HttpException ? exception.getResponse() : null,
        },
        statusCode,
      );
    }
  }
  const catchAll = {
    configure: (app: INestApplication) =>
      app.useGlobalFilters(new CatchEverythingFilter(app.get(HttpAdapterHost))),
  };

  it('the guards’ refusals have a status and a body that it understands', async () => {
    const { api, host } = await start(adapter, catchAll);
    const missing = await api.send('GET', '/host/guarded');
    expect(missing.status).toBe(401);
    expect(missing.json).toMatchObject({
      theirs: true,
      isAuthError: true,
      body: { statusCode: 401, code: 'ACCESS_TOKEN_MISSING' },
    });
    const { accessToken, userId } = await newSession(api);
    expect((await api.send('POST', '/orders/approve', { token: accessToken })).json.body.code).toBe(
      'FORBIDDEN',
    );
    await host.app.get(AuthService).logoutEverywhere(userId);
    expect((await api.send('GET', '/host/guarded', { token: accessToken })).status).toBe(401);
  });

  it('those of a global guard, too', async () => {
    const { api } = await start(adapter, catchAll, { ...authOptions(), globalGuard: true });
    expect((await api.send('GET', '/orders/bare')).status).toBe(401);
  });

  it('the routes of the module keep their contract', async () => {
    const { api } = await start(adapter, catchAll);
    expectError(await api.login({ email: uniqueEmail(), password: PASSWORD }), 401, 'INVALID_CREDENTIALS');
    expectError(await api.send('GET', '/auth/me'), 401, 'ACCESS_TOKEN_MISSING');
    expectError(await api.login({}), 400, 'VALIDATION_FAILED');
  });
});

describe.each(ADAPTERS)('the routes of the module in a host with its own guards, on %s', (adapter) => {
  @Injectable()
  class ClosedOnSundays implements CanActivate {
    canActivate(): boolean {
      throw new HttpException('closed on Sundays', 402);
    }
  }

  @Catch(HttpException)
  class TheirFilter implements ExceptionFilter {
    constructor(private readonly httpAdapterHost: HttpAdapterHost) {}

    catch(exception: HttpException, host: ArgumentsHost): void {
      const body = { theirs: exception.message };
      this.httpAdapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), body, exception.getStatus());
    }
  }

  it('exceptions of the host’s guards are answered by the host’s filters', async () => {
    const { api } = await start(adapter, {
      providers: [{ provide: APP_GUARD, useClass: ClosedOnSundays }],
      configure: (app) => app.useGlobalFilters(new TheirFilter(app.get(HttpAdapterHost))),
    });
    const answer = await api.login({ email: uniqueEmail(), password: PASSWORD });
    expect({ status: answer.status, body: answer.json }).toEqual({
      status: 402,
      body: { theirs: 'closed on Sundays' },
    });
  });

  it('a bug behind a route answers INTERNAL, and errors meant for the client stay unchanged', async () => {
    const { api, host, lines } = await start(adapter);
    const auth = host.app.get(AuthService);
    const credentials = { email: uniqueEmail(), password: PASSWORD };
    auth.login = () => Promise.reject(new RangeError('deep inside'));
    expectError(await api.login(credentials), 500, 'INTERNAL');
    expect(lines).toContainEqual({
      level: 'error',
      text: expect.stringContaining('RangeError: deep inside'),
    });
    auth.login = () => Promise.reject(new UnauthorizedException('by a store of the host'));
    expect((await api.login(credentials)).json).toMatchObject({ message: 'by a store of the host' });
  });
});

describe.each(ADAPTERS)('the log of a host, on %s', (adapter) => {
  it('warns an operator about refused origins, and names them', async () => {
    const { api, lines } = await start(adapter);
    const headers = { origin: 'https://app.example.com' };
    const answer = await api.login({ email: uniqueEmail(), password: PASSWORD }, { headers });
    expectError(answer, 403, 'CROSS_SITE_REQUEST');
    const line = lines.find(({ text }) => text.includes('CROSS_SITE_REQUEST'));
    expect(line).toMatchObject({ level: 'warn', text: expect.stringContaining('https://app.example.com') });
    expect(JSON.stringify(lines)).not.toContain(PASSWORD);
  });

  it('does not log mistakes of clients', async () => {
    const { api, lines } = await start(adapter);
    await api.login({ email: uniqueEmail(), password: PASSWORD });
    await api.send('GET', '/host/guarded', { token: 'no.such.token' });
    expect(lines.filter(({ level }) => level !== 'log')).toEqual([]);
  });
});

describe.each(ADAPTERS)('a body with chunked encoding, on %s', (adapter) => {
  function sendChunked(origin: string, path: string, body: string) {
    return new Promise<{ status: number; text: string }>((resolve, reject) => {
      const headers = { 'content-type': 'application/json' };
      const outgoing = request(origin + path, { method: 'POST', headers, agent: false }, (incoming) => {
        let text = '';
        incoming.on('data', (chunk: Buffer) => (text += chunk.toString()));
        incoming.on('end', () => resolve({ status: incoming.statusCode ?? 0, text }));
      });
      outgoing.on('error', reject);
      outgoing.write(body.slice(0, 100));
      outgoing.end(body.slice(100));
    });
  }

  it.each([
    ['one long text', JSON.stringify({ refreshToken: 'x'.repeat(60_000) })],
    ['many fields', JSON.stringify(Object.fromEntries(Array.from({ length: 6000 }, (_, i) => [`f${i}`, i])))],
    ['a long list', JSON.stringify({ list: Array.from({ length: 20_000 }, () => 0) })],
    ['deep nesting', `${'{"a":'.repeat(9_000)}1${'}'.repeat(9_000)}`],
  ])('is measured, whatever limit the host’s parser has: %s', async (_, body) => {
    const { host } = await start(adapter);
    const { status, text } = await sendChunked(host.origin, '/auth/refresh', body);
    expect({ status, ...JSON.parse(text) }).toMatchObject({ status: 413, code: 'PAYLOAD_TOO_LARGE' });
  });

  it('is accepted if it is small', async () => {
    const { host } = await start(adapter);
    const body = JSON.stringify({ email: uniqueEmail(), password: PASSWORD, name: 'é'.repeat(100) });
    expect((await sendChunked(host.origin, '/auth/register', body)).status).toBe(201);
  });
});
