import { randomBytes } from 'node:crypto';
import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type CallHandler,
  ClassSerializerInterceptor,
  type ExecutionContext,
  type INestApplication,
  Injectable,
  type NestInterceptor,
  VersioningType,
} from '@nestjs/common';
import { APP_INTERCEPTOR, Reflector } from '@nestjs/core';
import { map, of, tap } from 'rxjs';
import { AuthModule, type AuthOptions, UsersService } from '../../src/index.js';
import { type Adapter, ADAPTERS, authOptions, HostApp } from '../support/host-app.js';
import {
  anotherSession,
  Browser,
  expectError,
  expectNoContent,
  newSession,
  PASSWORD,
  sessionOf,
  uniqueEmail,
} from '../support/http.js';

const logged: unknown[] = [];

@Injectable()
class Envelope implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((data: unknown) => ({ data })));
  }
}
@Injectable()
class Picky implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(map((data: { id: unknown }) => data.id));
  }
}
@Injectable()
class Log implements NestInterceptor {
  intercept(_context: ExecutionContext, next: CallHandler) {
    return next.handle().pipe(tap((data: unknown) => logged.push(data)));
  }
}

/** Like a cache: answers without calling the route. */
@Injectable()
class Answering implements NestInterceptor {
  intercept(context: ExecutionContext, next: CallHandler) {
    const { headers } = context.switchToHttp().getRequest<{ headers: Record<string, unknown> }>();
    if (headers['x-cached'] === 'nothing') return of(undefined);
    return headers['x-cached'] ? of({ cached: true }) : next.handle().pipe(map(() => ({ replaced: true })));
  }
}

let host: HostApp | undefined;
afterEach(async () => {
  await host?.stop();
  host = undefined;
});

async function start(
  adapter: Adapter,
  options: Partial<AuthOptions>,
  configure: (app: INestApplication) => void,
  providers: object[] = [],
): Promise<HostApp> {
  const imports = [AuthModule.forRoot(authOptions(options))];
  host = await HostApp.startWith(adapter, { imports, providers: providers as never }, undefined, configure);
  return host;
}

/** Registration, silent refresh, me, sessions, administration, errors, logout. */
async function walk(app: HostApp, prefix = ''): Promise<void> {
  const browser = new Browser(app.origin);
  const email = uniqueEmail();
  const at = (path: string) => `${prefix}/auth/${path}`;
  const { accessToken: token } = sessionOf(await browser.post(at('register'), { email, password: PASSWORD }));
  const refreshed = await browser.post(at('refresh'));
  expect(refreshed.json).toMatchObject({ tokenType: 'Bearer', user: { email } });
  expect(refreshed.cookie()).toBeDefined();
  expect((await browser.send('GET', at('me'), { token })).json).toMatchObject({ email, roles: ['user'] });
  expect((await browser.send('GET', at('sessions'), { token })).json).toMatchObject([{ current: true }]);
  expectError(await browser.post(at('login'), { email, password: 'wrong' }), 401, 'INVALID_CREDENTIALS');
  expectError(await browser.post(at('login'), {}), 400, 'VALIDATION_FAILED');
  expectError(await browser.send('GET', at('admin/events'), { token }), 403, 'FORBIDDEN');
  expectNoContent(await browser.post(at('logout')));
  expect((await browser.send('GET', '/.well-known/jwks.json')).json).toEqual({ keys: [] });
}

describe.each(ADAPTERS)('a host around the library (%s)', (adapter) => {
  it('has interceptors, which change no answer and log no token', async () => {
    const serializer = {
      provide: APP_INTERCEPTOR,
      useFactory: (reflector: Reflector) =>
        new ClassSerializerInterceptor(reflector, { strategy: 'excludeAll' }),
      inject: [Reflector],
    };
    const others = [Envelope, Log, Picky].map((useClass) => ({ provide: APP_INTERCEPTOR, useClass }));
    const app = await start(adapter, {}, () => undefined, [serializer, ...others]);
    logged.length = 0;
    await walk(app);
    expect(JSON.stringify(logged)).not.toContain('accessToken');
    // The host's own answers are still changed: without its id this body is empty.
    expect((await app.api().send('GET', '/orders/public')).json).toEqual({});
    const email = uniqueEmail('admin');
    await app.app.get(UsersService).register({ email, password: PASSWORD, roles: ['admin'] });
    const { accessToken: token } = await anotherSession(app.api(), email);
    for (const format of ['csv', 'html']) {
      const report = await app.api().send('GET', `/auth/admin/security-report?format=${format}`, { token });
      expect(report.headers['content-type']).toContain(`text/${format}`);
    }
  });

  it('has an interceptor that answers without calling the route, and its answer is sent', async () => {
    const provider = { provide: APP_INTERCEPTOR, useClass: Answering };
    const app = await start(adapter, {}, () => undefined, [provider]);
    const api = app.api();
    const { accessToken: token } = await newSession(api);
    const ask = (cached: string, method = 'GET', path = '/auth/me') =>
      api.send(method, path, { token, headers: cached ? { 'x-cached': cached } : {} });
    expect((await ask('yes')).json).toEqual({ cached: true });
    expect((await ask('yes', 'POST', '/auth/login')).json).toEqual({ cached: true });
    expect(await ask('nothing')).toMatchObject({ status: 200, text: '' });
    expectNoContent(await ask('yes', 'POST', '/auth/logout'));
    // The route was not called, so the session is still valid.
    expect((await ask('')).json).toMatchObject({ roles: ['user'] });
    await walk(app);
  });

  it.each<[string, (app: INestApplication) => void, string]>([
    ['a global prefix', (app) => app.setGlobalPrefix('api'), '/api'],
    [
      'versions in the URI',
      (app) => app.enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
      '',
    ],
    [
      'a prefix and versions in the URI',
      (app) => app.setGlobalPrefix('api').enableVersioning({ type: VersioningType.URI, defaultVersion: '1' }),
      '/api',
    ],
    [
      'versions in a header',
      (app) => app.enableVersioning({ type: VersioningType.HEADER, header: 'X-V', defaultVersion: '1' }),
      '',
    ],
    [
      'versions in the media type',
      (app) => app.enableVersioning({ type: VersioningType.MEDIA_TYPE, key: 'v=', defaultVersion: '1' }),
      '',
    ],
    [
      'its own versions',
      (app) =>
        app.enableVersioning({ type: VersioningType.CUSTOM, extractor: () => '2', defaultVersion: '1' }),
      '',
    ],
  ])('has %s', async (_what, configure, prefix) => {
    await walk(await start(adapter, {}, configure), prefix);
  });

  it('finds the metadata of the server at the root (RFC 8414)', async () => {
    const options = {
      issuer: 'https://issuer.example.com/tenant',
      introspectionClients: [{ id: 'service', secret: randomBytes(32).toString('base64url') }],
    };
    const app = await start(adapter, options, (each) => each.setGlobalPrefix('api'));
    for (const path of ['', '/tenant']) {
      const answer = await app.api().send('GET', `/.well-known/oauth-authorization-server${path}`);
      expect(answer.json).toEqual({
        issuer: options.issuer,
        jwks_uri: `${options.issuer}/.well-known/jwks.json`,
        introspection_endpoint: `${options.issuer}/api/auth/introspect`,
        introspection_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
        revocation_endpoint: `${options.issuer}/api/auth/revoke`,
        revocation_endpoint_auth_methods_supported: ['client_secret_basic', 'client_secret_post'],
        response_types_supported: [],
        grant_types_supported: [],
        dpop_signing_alg_values_supported: ['ES256'],
      });
    }
  });
});
