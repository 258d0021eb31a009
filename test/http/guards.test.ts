import { describe, expect, it, jest } from '@jest/globals';
import { type ExecutionContext, Logger, NotFoundException } from '@nestjs/common';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { WsException } from '@nestjs/websockets';
import { AuthError, type AuthErrorCode } from '../../src/core/errors.js';
import type { AuthEventBus } from '../../src/events/auth-event-bus.js';
import { loadContextExceptions } from '../../src/http/context-exceptions.js';
import { Public } from '../../src/http/decorators/public.decorator.js';
import { Roles } from '../../src/http/decorators/roles.decorator.js';
import { AuthHttpException } from '../../src/http/filters/auth-http.exception.js';
import {
  AccessTokenGuard,
  JwtAuthGuard,
  OptionalJwtAuthGuard,
} from '../../src/http/guards/jwt-auth.guard.js';
import { JwtRefreshGuard } from '../../src/http/guards/jwt-refresh.guard.js';
import { OwnerGuard } from '../../src/http/guards/owner.guard.js';
import { attempt } from '../../src/http/guards/passport-attempt.js';
import { RefusingGuard } from '../../src/http/guards/refusing.guard.js';
import { RequestShapeGuard } from '../../src/http/guards/request-shape.guard.js';
import { AdministratorGuard, RolesGuard } from '../../src/http/guards/roles.guard.js';
import { LoginThrottleGuard, RefreshThrottleGuard } from '../../src/http/guards/throttle.guard.js';
import { RequestAuthenticator } from '../../src/http/request-authenticator.js';
import { deviceToken, parseDeviceToken } from '../../src/risk/device-token.js';
import type { LoginOrigin } from '../../src/throttle/throttle.service.js';
import { KnownDevices } from '../../src/tokens/known-devices.js';

const USER = { id: 'user-1', roles: ['user'], session: { id: 'session-1', generation: 2 } };

interface Passport {
  success(user: unknown): void;
  fail(challenge?: unknown): void;
  error(error: unknown): void;
}

/** A strategy that reports the given result. */
const strategyThat = (report: (passport: Passport) => void) => ({
  authenticate(this: Passport) {
    report(this);
  },
});
const NEVER = strategyThat(() => {
  throw new Error('the strategy is not asked');
});

class Route {
  handle(this: void): void {}
  @Public() open(this: void): void {}
  @Roles('admin', 'auditor') restricted(this: void): void {}
}
@Public()
class OpenRoute extends Route {}

function contextOf(
  request: object,
  handler: (this: void) => void = Route.prototype.handle,
  controller: new () => Route = Route,
): ExecutionContextHost {
  return new ExecutionContextHost([request, {}], controller, handler);
}

/** `true`, or the error code of the refusal. */
async function verdictOf(guard: RefusingGuard, context: ExecutionContext): Promise<true | AuthErrorCode> {
  try {
    return (await guard.canActivate(context)) as true;
  } catch (error) {
    if (error instanceof AuthHttpException) return error.cause.code;
    throw error;
  }
}

/** An event bus, and the list of what it emits. */
function recorder() {
  const emitted: [name: string, payload: unknown][] = [];
  const events = { emit: async (...event: [string, unknown]) => void emitted.push(event) };
  return { emitted, events: events as unknown as AuthEventBus };
}

const requestWith = (token?: string) => ({
  method: 'GET',
  headers: token === undefined ? {} : { authorization: `Bearer ${token}` },
  protocol: 'https',
  host: 'api.example.com',
});

describe(attempt.name, () => {
  it('returns the user on success', async () => {
    await expect(
      attempt(
        strategyThat((passport) => passport.success(USER)),
        {},
      ),
    ).resolves.toBe(USER);
  });

  it.each<[string, (passport: Passport) => void, string]>([
    ['a challenge', (passport) => passport.fail('No auth token'), 'No auth token'],
    ['an error as challenge', (passport) => passport.fail(new Error('expired')), 'expired'],
    ['an error', (passport) => passport.error(new Error('broken')), 'broken'],
  ])('fails with %s', async (_what, report, message) => {
    await expect(attempt(strategyThat(report), {})).rejects.toThrow(message);
  });

  it('passes on the request and options, and does not change the strategy', async () => {
    const authenticate = jest.fn(function (this: Passport, ..._asked: unknown[]) {
      this.success(USER);
    });
    const strategy = { authenticate };
    const request = requestWith();
    await attempt(strategy, request);
    expect(authenticate).toHaveBeenCalledWith(request, {});
    expect(Object.keys(strategy)).toEqual(['authenticate']);
  });
});

describe(RefusingGuard.name, () => {
  const refusalOf = async (thrown: unknown, type = 'http') => {
    const context = contextOf({});
    context.setType(type);
    class Failing extends RefusingGuard {
      protected override admit(): void {
        throw thrown;
      }
    }
    return Promise.resolve(new Failing().canActivate(context)).catch((error: unknown) => error);
  };

  it('passes an exception of the host on unchanged', async () => {
    const thrown = new NotFoundException();
    expect(await refusalOf(thrown)).toBe(thrown);
  });

  it('refuses when the guard itself fails, and keeps the cause for the log', async () => {
    const cause = new TypeError('a bug');
    const refusal = await refusalOf(cause);
    expect(refusal).toBeInstanceOf(AuthHttpException);
    expect((refusal as AuthHttpException).cause).toMatchObject({ code: 'INTERNAL', cause });
  });

  it('logs its own failure if no filter sees it, and logs no refusal', async () => {
    await loadContextExceptions();
    const logged: unknown[] = [];
    const log = jest
      .spyOn(Logger.prototype, 'error')
      .mockImplementation((...given) => void logged.push(given[1]));
    const bug = new TypeError('a bug');
    expect(await refusalOf(bug, 'ws')).toBeInstanceOf(WsException);
    expect(await refusalOf(new AuthError('FORBIDDEN'), 'ws')).toBeInstanceOf(WsException);
    expect(await refusalOf(bug, 'graphql')).toMatchObject({ code: 'INTERNAL' });
    log.mockRestore();
    expect(logged).toEqual([bug.stack]);
  });
});

/** Tokens that are bound to no key. */
const UNBOUND = { check: () => undefined };
/** Routes that require no fresh authentication. */
const ANY_AGE = { check: () => undefined };

/** A context with only the HTTP part. */
const requestsOf = (strategy: object, authenticator: object) =>
  new RequestAuthenticator(
    strategy as never,
    authenticator as never,
    UNBOUND as never,
    ANY_AGE as never,
    undefined as never,
    undefined as never,
    { accessTokenOf: null },
  );

describe(AccessTokenGuard.name, () => {
  const guardOf = (strategy: object, admit: (token: string) => unknown = () => null) => {
    const recall = (token: string) => (token === 'known' ? token : null);
    return new AccessTokenGuard(requestsOf(strategy, { recall, admit }));
  };

  it('requires a token', async () => {
    expect(await verdictOf(guardOf(NEVER), contextOf(requestWith()))).toBe('ACCESS_TOKEN_MISSING');
  });

  it('admits a verified token from the cache at once, without Passport', () => {
    const request = requestWith('known');
    const guard = guardOf(NEVER, () => USER);
    expect(guard.canActivate(contextOf(request))).toBe(true);
    expect(request).toMatchObject({ user: USER });
  });

  it('waits for the store in mode strict', async () => {
    const request = requestWith('known');
    const admitted = guardOf(NEVER, () => Promise.resolve(USER)).canActivate(contextOf(request));
    expect(admitted).toBeInstanceOf(Promise);
    expect(await admitted).toBe(true);
    expect(request).toMatchObject({ user: USER });
    const revoked = () => Promise.reject(new AuthError('ACCESS_TOKEN_REVOKED'));
    expect(await verdictOf(guardOf(NEVER, revoked), contextOf(requestWith('known')))).toBe(
      'ACCESS_TOKEN_REVOKED',
    );
  });

  it('lets Passport verify a token that is not cached', async () => {
    const request = requestWith('new');
    const guard = guardOf(strategyThat((passport) => passport.success(USER)));
    expect(await verdictOf(guard, contextOf(request))).toBe(true);
    expect(request).toMatchObject({ user: USER });
  });

  it('refuses with the strategy\'s reason, otherwise with "token invalid"', async () => {
    const expired = guardOf(
      strategyThat((passport) => passport.error(new AuthError('ACCESS_TOKEN_EXPIRED'))),
    );
    expect(await verdictOf(expired, contextOf(requestWith('t')))).toBe('ACCESS_TOKEN_EXPIRED');
    const invalid = guardOf(strategyThat((passport) => passport.fail(new Error('bad signature'))));
    expect(await verdictOf(invalid, contextOf(requestWith('t')))).toBe('ACCESS_TOKEN_INVALID');
    const refusal = await Promise.resolve(invalid.canActivate(contextOf(requestWith('t')))).catch(
      (error: unknown) => (error as AuthHttpException).cause,
    );
    expect(refusal).toMatchObject({ cause: { message: 'bad signature' } });
  });

  it('refuses with the AuthError itself outside of HTTP', async () => {
    const context = contextOf({});
    context.setType('graphql');
    await expect(guardOf(NEVER).canActivate(context)).rejects.toBeInstanceOf(AuthError);
  });
});

/** Has no cached token, and must not be asked for one. */
const NOBODY = requestsOf(NEVER, { recall: () => null });

describe(JwtAuthGuard.name, () => {
  it('admits everyone on a public handler or controller, and nowhere else', async () => {
    const reflector = new Reflector();
    const reads = jest.spyOn(reflector, 'getAllAndOverride');
    const guard = new JwtAuthGuard(NOBODY, reflector);
    const { handle, open } = Route.prototype;
    for (const _ of [1, 2]) {
      expect(guard.canActivate(contextOf(requestWith(), open))).toBe(true);
      expect(guard.canActivate(contextOf(requestWith(), handle, OpenRoute))).toBe(true);
      expect(await verdictOf(guard, contextOf(requestWith(), handle))).toBe('ACCESS_TOKEN_MISSING');
    }
    // Once per route, even for repeated requests.
    expect(reads).toHaveBeenCalledTimes(3);
  });
});

describe(JwtRefreshGuard.name, () => {
  const CLAIMS = { sub: 'user-1' };
  const guardOf = (strategy: object, presented: unknown = { token: 't' }) =>
    new JwtRefreshGuard(
      strategy as never,
      {
        pick: () => presented,
        isOfNewKey: ({ token }: { token: string }) => token === 'of a new key',
      } as never,
      { now: () => 0 },
    );
  const verified = strategyThat((passport) => passport.success(CLAIMS));

  it('requires a token', async () => {
    expect(await verdictOf(guardOf(NEVER, null), contextOf({}))).toBe('REFRESH_TOKEN_MISSING');
  });

  it.each([undefined, null, 'text', {}, { refreshToken: null }, { refreshToken: 'token' }, []])(
    'leaves the claims of a verified token on the request, with the body %j',
    async (body) => {
      const request = { body };
      expect(await verdictOf(guardOf(verified), contextOf(request))).toBe(true);
      expect(request).toMatchObject({ refreshToken: CLAIMS });
    },
  );

  it.each([{ $ne: '' }, ['token'], 1, true])(
    'refuses %j as a token, and does not fall back to the cookie',
    async (refreshToken) => {
      const context = contextOf({ body: { refreshToken } });
      const refusal = await Promise.resolve(guardOf(verified).canActivate(context)).catch(
        (error: unknown) => (error as AuthHttpException).cause,
      );
      const fields = [{ field: 'refreshToken', message: 'refreshToken must be a string' }];
      expect(refusal).toMatchObject({ code: 'VALIDATION_FAILED', fields });
    },
  );

  it('refuses with the strategy\'s reason, otherwise with "token invalid"', async () => {
    const refused = strategyThat((passport) => passport.error(new AuthError('TEMPORARILY_UNAVAILABLE')));
    expect(await verdictOf(guardOf(refused), contextOf({}))).toBe('TEMPORARILY_UNAVAILABLE');
    const failed = guardOf(strategyThat((passport) => passport.fail(new Error('bad signature'))));
    expect(await verdictOf(failed, contextOf({}))).toBe('REFRESH_TOKEN_INVALID');
    const refusal = await Promise.resolve(failed.canActivate(contextOf({}))).catch(
      (error: unknown) => (error as AuthHttpException).cause,
    );
    expect(refusal).toMatchObject({ cause: { message: 'bad signature' } });
  });

  it('asks the client to retry if another process may know the key', async () => {
    const strategy = strategyThat((passport) => passport.error(new AuthError('REFRESH_TOKEN_INVALID')));
    const guard = guardOf(strategy, { token: 'of a new key' });
    const refusal = await Promise.resolve(guard.canActivate(contextOf({}))).catch(
      (error: unknown) => (error as AuthHttpException).cause,
    );
    expect(refusal).toMatchObject({ code: 'REFRESH_TOKEN_INVALID', retryAfter: 1 });
  });

  it('waits for a clock that is in doubt', async () => {
    let settle = () => {};
    const settling = new Promise<void>((resolve) => (settle = resolve));
    const presented = { pick: () => ({ token: 't' }) };
    const guard = new JwtRefreshGuard(verified as never, presented as never, { now: () => 0, settling });
    const request = { body: {} };
    const verdict = verdictOf(guard, contextOf(request));
    await Promise.resolve();
    expect(request).toEqual({ body: {} });
    settle();
    expect(await verdict).toBe(true);
  });
});

describe(RolesGuard.name, () => {
  const { restricted } = Route.prototype;
  const askAs = async (user: unknown, handler = restricted) => {
    const { emitted, events } = recorder();
    const guard = new RolesGuard(new Reflector(), NOBODY, events);
    const request = { ...requestWith(), ip: '192.0.2.1', user };
    return { verdict: await verdictOf(guard, contextOf(request, handler)), emitted };
  };

  it('admits everyone if no role is required', async () => {
    expect(await askAs(undefined, Route.prototype.handle)).toEqual({ verdict: true, emitted: [] });
  });

  it('admits a user with one of the roles', async () => {
    for (const role of ['admin', 'auditor'])
      expect(await askAs({ ...USER, roles: ['user', role] })).toEqual({ verdict: true, emitted: [] });
  });

  it('refuses a user that no guard has authenticated', async () => {
    expect(await askAs(undefined)).toEqual({ verdict: 'ACCESS_TOKEN_MISSING', emitted: [] });
  });

  it('refuses and reports a user with none of them', async () => {
    const { verdict, emitted } = await askAs(USER);
    expect(verdict).toBe('FORBIDDEN');
    expect(emitted).toEqual([
      [
        'access.denied',
        {
          userId: 'user-1',
          sessionId: 'session-1',
          requiredRoles: ['admin', 'auditor'],
          handler: 'restricted',
          source: { ip: '192.0.2.1', userAgent: null },
        },
      ],
    ]);
  });

  it('refuses a user of another guard, who has no session to report', async () => {
    expect(await askAs({ id: 'user-1', roles: [] })).toEqual({ verdict: 'FORBIDDEN', emitted: [] });
  });

  it.each<[string, () => Promise<void> | undefined]>([
    ['at once', () => undefined],
    ['later', () => Promise.resolve()],
  ])('authenticates a request that no other guard has, %s', async (_when, wait) => {
    const judge = (roles: string[]) => {
      const request = { ...requestWith(), ip: '192.0.2.1', user: undefined as unknown };
      const admit = () => void (request.user = { ...USER, roles });
      const authenticate = () => wait()?.then(admit) ?? admit();
      const requests = { isAuthenticated: () => false, authenticate } as unknown as RequestAuthenticator;
      const guard = new RolesGuard(new Reflector(), requests, recorder().events);
      return verdictOf(guard, contextOf(request, Route.prototype.restricted));
    };
    expect([await judge(['admin']), await judge(['user'])]).toEqual([true, 'FORBIDDEN']);
  });

  it('refuses a request that another guard admitted without a user', async () => {
    const requests = { isAuthenticated: () => true } as unknown as RequestAuthenticator;
    const guard = new RolesGuard(new Reflector(), requests, recorder().events);
    const context = contextOf(requestWith(), Route.prototype.restricted);
    expect(await verdictOf(guard, context)).toBe('ACCESS_TOKEN_MISSING');
  });

  it('for administrators: refuses an administrator who acts for a user, on any route', async () => {
    const requests = { isAuthenticated: () => true } as unknown as RequestAuthenticator;
    const guard = new AdministratorGuard(new Reflector(), requests, recorder().events);
    const judge = (user: object) =>
      verdictOf(guard, contextOf({ ...requestWith(), ip: '192.0.2.1', user }, Route.prototype.open));
    const admin = { ...USER, roles: ['admin'] };
    const verdicts = [await judge(admin), await judge({ ...admin, actor: { id: 'a' } }), await judge(USER)];
    expect(verdicts).toEqual([true, 'FORBIDDEN', 'FORBIDDEN']);
  });

  it('requires the roles of the controller if the handler names none', async () => {
    @Roles('admin')
    class AdminRoute extends Route {}
    const guard = new RolesGuard(new Reflector(), NOBODY, recorder().events);
    const context = contextOf({ ...requestWith(), user: USER }, Route.prototype.handle, AdminRoute);
    expect(await verdictOf(guard, context)).toBe('FORBIDDEN');
  });
});

describe(OwnerGuard.name, () => {
  it('refuses an actor', async () => {
    const judge = (user?: object) => verdictOf(new OwnerGuard(), contextOf({ ...requestWith(), user }));
    const verdicts = [await judge(USER), await judge(), await judge({ ...USER, actor: { id: 'a' } })];
    expect(verdicts).toEqual([true, true, 'FORBIDDEN']);
  });
});

describe(OptionalJwtAuthGuard.name, () => {
  it('passes on the result of the authenticator for a request with an optional token', async () => {
    const asked: unknown[] = [];
    const guardThat = (authenticateIfAsked: (context: unknown) => void | Promise<void>) =>
      new OptionalJwtAuthGuard({ authenticateIfAsked } as unknown as RequestAuthenticator);
    const context = contextOf(requestWith());
    expect(guardThat((given) => void asked.push(given)).canActivate(context)).toBe(true);
    expect(asked).toEqual([context]);
    const refused = () => Promise.reject(new AuthError('ACCESS_TOKEN_EXPIRED'));
    expect(await verdictOf(guardThat(refused), context)).toBe('ACCESS_TOKEN_EXPIRED');
  });
});

describe(RequestShapeGuard.name, () => {
  const JSON_TYPE = { 'content-type': 'application/json' };
  const NOT_PARSED = Symbol('no parser has read the body');
  function ask(method: string, headers: Record<string, string> = {}, body: unknown = {}) {
    const set: unknown[] = [];
    const seen: unknown[] = [];
    const adapter = { setHeader: (_response: unknown, ...header: string[]) => void set.push(header) };
    const guard = new RequestShapeGuard(
      { httpAdapter: adapter } as never,
      { see: (request: unknown) => void seen.push(request) } as never,
    );
    const request = { method, headers, body: body === NOT_PARSED ? undefined : body };
    return { verdict: verdictOf(guard, contextOf(request)), set, isSeen: seen[0] === request };
  }

  it('forbids caching of every answer, and checks for proxies', async () => {
    for (const method of ['GET', 'POST']) {
      const { verdict, set, isSeen } = ask(method);
      expect([await verdict, set, isSeen]).toEqual([true, [['Cache-Control', 'no-store']], true]);
    }
  });

  it.each<[string, Record<string, string>]>([
    ['GET', { 'content-type': 'text/plain', 'content-length': '9' }],
    ['HEAD', { 'content-type': 'text/plain', 'content-length': '99999' }],
    ['POST', {}],
    ['POST', { 'content-length': '0' }],
    ['POST', { ...JSON_TYPE, 'content-length': '16384' }],
    ['POST', { 'content-type': 'Application/JSON ; charset=utf-8', 'content-length': '2' }],
    ['DELETE', { ...JSON_TYPE, 'transfer-encoding': 'chunked' }],
  ])('admits a %s with %j', async (method, headers) => {
    expect(await ask(method, headers).verdict).toBe(true);
  });

  it.each<Record<string, string>>([
    { 'content-type': 'application/x-www-form-urlencoded', 'content-length': '3' },
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/jsonp', 'content-length': '3' },
    { 'content-type': 'text/application/json', 'content-length': '3' },
    { 'content-length': '3' },
    { 'transfer-encoding': 'chunked' },
  ])('refuses a body that is not JSON: %j', async (headers) => {
    expect(await ask('POST', headers).verdict).toBe('UNSUPPORTED_MEDIA_TYPE');
  });

  it('refuses a body that its header declares too large', async () => {
    expect(await ask('POST', { ...JSON_TYPE, 'content-length': '16385' }).verdict).toBe('PAYLOAD_TOO_LARGE');
  });

  it('fails if no parser has read a JSON body, and needs none without a body', async () => {
    const ofLength = (length: string) =>
      ask('POST', { ...JSON_TYPE, 'content-length': length }, NOT_PARSED).verdict;
    expect([await ofLength('2'), await ofLength('0')]).toEqual(['INTERNAL', true]);
    expect(await ask('POST', {}, NOT_PARSED).verdict).toBe(true);
  });

  // At least 16,384 bytes, whatever the header says: the guard computes the minimum size of the JSON.
  it.each<[string, (size: number) => unknown, number]>([
    ['a text', (size) => 'x'.repeat(size - 2), 16_384],
    ['a key', (size) => ({ ['k'.repeat(size - 5)]: 1 }), 16_384],
    ['a value', (size) => ({ k: 'x'.repeat(size - 7) }), 16_384],
    ['an array of numbers', (size) => Array.from({ length: size / 2 }, () => 1), 16_383],
    ['strings in an array', (size) => Array.from({ length: 64 }, () => 'x'.repeat(size / 64 - 3)), 16_383],
    ['an array of nulls', (size) => Array.from({ length: size / 2 }, () => null), 16_383],
  ])('measures a body that the host has parsed: %s', async (_what, bodyOf, limit) => {
    expect(await ask('POST', JSON_TYPE, bodyOf(limit)).verdict).toBe(true);
    expect(await ask('POST', JSON_TYPE, bodyOf(16_390)).verdict).toBe('PAYLOAD_TOO_LARGE');
  });

  it('measures a body nested more deeply than the stack allows', async () => {
    let body: unknown = 1;
    for (let depth = 0; depth < 20_000; depth += 1) body = [body];
    expect(await ask('POST', JSON_TYPE, body).verdict).toBe('PAYLOAD_TOO_LARGE');
  });
});

describe('the guards that throttle', () => {
  const KEY = Buffer.alloc(32, 1);
  const DEVICE_ID = 'd'.repeat(22);
  const ACCOUNT = { email: 'user@example.com', tokenVersion: 'v1' };
  const TOO_MANY = new AuthError('TOO_MANY_ATTEMPTS');

  async function login(body: unknown, device: string | null = null, refusal?: Error) {
    const origins: LoginOrigin[] = [];
    const { emitted, events } = recorder();
    const guard = new LoginThrottleGuard(
      {
        admitLogin: async (origin: LoginOrigin) => {
          origins.push(origin);
          if (refusal) throw refusal;
        },
      } as never,
      { read: () => parseDeviceToken(device) } as never,
      new KnownDevices({ deviceKeys: [KEY] } as never, {} as never, {} as never, {} as never),
      events,
    );
    const context = contextOf({ ...requestWith(), ip: '2001:db8:1:2::9', body });
    return { verdict: await verdictOf(guard, context), origins, emitted };
  }

  it.each([undefined, null, 'text', {}, { email: 1 }, { email: 'user@example.com' }])(
    'count a login by its address, whatever the body: %j',
    async (body) => {
      expect(await login(body)).toEqual({
        verdict: true,
        origins: [{ ip: '2001:db8:1:2::9', deviceId: null }],
        emitted: [],
      });
    },
  );

  it('count a device that the account knows separately', async () => {
    const token = deviceToken(DEVICE_ID, ACCOUNT, null, [KEY]);
    expect((await login({ email: ' User@Example.com' }, token)).origins).toMatchObject([
      { deviceId: DEVICE_ID },
    ]);
    for (const body of [{ email: 'other@example.com' }, {}, null])
      expect((await login(body, token)).origins).toMatchObject([{ deviceId: null }]);
  });

  it('report a login over the limit, and name no user', async () => {
    const { verdict, emitted } = await login({ email: 'user@example.com' }, null, TOO_MANY);
    expect(verdict).toBe('TOO_MANY_ATTEMPTS');
    const source = { ip: '2001:db8:1:2::9', userAgent: null };
    const event = { email: null, userId: null, reason: 'login_limit', source };
    expect(emitted).toEqual([['login.locked', event]]);
  });

  it('report nothing if the count itself fails', async () => {
    const { verdict, emitted } = await login({}, null, new AuthError('TEMPORARILY_UNAVAILABLE'));
    expect([verdict, emitted]).toEqual(['TEMPORARILY_UNAVAILABLE', []]);
  });

  function refresh(presented: string | null, isOn = true) {
    const { emitted, events } = recorder();
    const counted: string[] = [];
    const count = (what: string) => {
      counted.push(what);
      if (counted.length > 1) throw TOO_MANY;
    };
    const guard = new RefreshThrottleGuard(
      {
        isOn,
        admitRefresh: ({ sessionId, ip }: { sessionId: string; ip: string }) =>
          count(`session ${sessionId} at ${ip}`),
        admitForgedRefresh: (address: string) => count(`address ${address}`),
      } as never,
      { pick: () => presented && { token: presented, transport: 'cookie' } } as never,
      { verifyRefreshToken: (token: string) => (token === 'signed' ? { sid: 's' } : null) } as never,
      events,
    );
    const verdict = () => verdictOf(guard, contextOf({ ...requestWith(), ip: '192.0.2.1' }));
    return { verdict, counted, emitted };
  }

  it.each([
    ['signed', 'session s at 192.0.2.1'],
    ['forged', 'address 192.0.2.1'],
  ])('count a refresh with a %s token for the %s, and report one over the limit', async (token, target) => {
    const { verdict, counted, emitted } = refresh(token);
    expect([await verdict(), await verdict()]).toEqual([true, 'TOO_MANY_ATTEMPTS']);
    expect(counted).toEqual([target, target]);
    const source = { ip: '192.0.2.1', userAgent: null };
    const event = { email: null, userId: null, reason: 'refresh_limit', source };
    expect(emitted).toEqual([['login.locked', event]]);
  });

  it('count no refresh without a token, and none if throttling is off', async () => {
    for (const { verdict, counted } of [refresh(null), refresh('signed', false), refresh('forged', false)]) {
      expect(await verdict()).toBe(true);
      expect(counted).toEqual([]);
    }
  });
});
