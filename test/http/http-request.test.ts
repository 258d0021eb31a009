import { describe, expect, it } from '@jest/globals';
import { Reflector } from '@nestjs/core';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import { AccessTokenGuard } from '../../src/http/guards/jwt-auth.guard.js';
import { RolesGuard } from '../../src/http/guards/roles.guard.js';
import { addressOf, clientTraits, cookiesOf, requestOf } from '../../src/http/http-request.js';
import { RequestAuthenticator } from '../../src/http/request-authenticator.js';

const HEADERS = { authorization: 'Bearer some.access.token' };

function context(type: string, ...parameters: unknown[]): ExecutionContextHost {
  const host = new ExecutionContextHost(parameters, class {}, () => {});
  host.setType(type);
  return host;
}

/** Contexts without a request: what is in its place comes from the client. */
const WITHOUT_REQUEST: [string, ExecutionContextHost][] = [
  ['GraphQL without a context', context('graphql', {}, {}, undefined, {})],
  ['GraphQL whose context has no request', context('graphql', {}, {}, {}, {})],
  ['GraphQL subscriptions', context('graphql', {}, {}, { req: { extra: {} } }, {})],
  ['a native WebSocket client', context('ws', { send() {}, emit() {} }, { headers: HEADERS })],
  ['a socket without anything', context('ws', undefined, {})],
  ['a microservice', context('rpc', { headers: HEADERS, user: { roles: ['admin'] } }, {})],
  ['a microservice with text for data', context('rpc', 'text', {})],
  ['a microservice without data', context('rpc', undefined, {})],
  ['an unknown transport', context('telegraph', { headers: HEADERS, user: { roles: ['admin'] } })],
];

describe(requestOf.name, () => {
  it.each(WITHOUT_REQUEST)('%s: has no headers', (_, host) => {
    expect(requestOf(host)).toEqual({ method: '', headers: {}, protocol: '', host: '' });
  });

  it.each<[string, ExecutionContextHost]>([
    ['HTTP', context('http', { headers: HEADERS })],
    ['GraphQL', context('graphql', {}, {}, { req: { headers: HEADERS } }, {})],
    ['socket.io', context('ws', { handshake: { headers: HEADERS } }, {})],
    [
      'a native client to which a host added the headers of its upgrade',
      context('ws', { headers: HEADERS }, {}),
    ],
  ])('%s: the headers of the request', (_, host) => {
    expect(requestOf(host).headers).toBe(HEADERS);
  });
});

describe('guards without a request', () => {
  const requests = new RequestAuthenticator(
    undefined as never,
    undefined as never,
    undefined as never,
    undefined as never,
    undefined as never,
    { knows: () => false } as never,
    { accessTokenOf: null },
  );
  const accessTokenGuard = new AccessTokenGuard(requests);
  const reflector = { getAllAndOverride: () => ['admin'] } as unknown as Reflector;

  it.each(WITHOUT_REQUEST)('%s: ACCESS_TOKEN_MISSING, and roles are not trusted', async (_, host) => {
    const missing = { name: 'AuthError', code: 'ACCESS_TOKEN_MISSING' };
    await expect(accessTokenGuard.canActivate(host)).rejects.toMatchObject(missing);
    const rolesGuard = new RolesGuard(reflector, requests, new AuthEventBus(null));
    await expect(rolesGuard.canActivate(host)).rejects.toMatchObject(missing);
  });
});

describe(RolesGuard.name, () => {
  it('also refuses a user of the host’s own guard, and emits nothing without a session', async () => {
    const events = new AuthEventBus(null);
    const emitted: string[] = [];
    events.onEvery((name) => emitted.push(name));
    const reflector = { getAllAndOverride: () => ['admin'] } as unknown as Reflector;
    const user = { id: 'service-7', roles: ['service'] };
    const host = context('http', { headers: HEADERS, user });
    const guard = new RolesGuard(reflector, { isAuthenticated: () => true } as never, events);
    await expect(guard.canActivate(host)).rejects.toMatchObject({ status: 403 });
    expect(emitted).toEqual([]);
  });
});

describe(addressOf.name, () => {
  const socket = { remoteAddress: '::ffff:10.0.0.1' };

  it('is the address that the host determined', () => {
    expect(addressOf({ ip: '203.0.113.9:51234', socket })).toBe('203.0.113.9');
  });

  it.each([undefined, '', 'unknown', '_hidden', '203.0.113.9, 10.0.0.1', '<b>', 'x'.repeat(12_000)])(
    'is the peer’s if the host determined an invalid one: %j',
    (ip) => {
      expect(addressOf({ ip, socket })).toBe('10.0.0.1');
      expect(addressOf({ ip })).toBe('');
    },
  );
});

describe(clientTraits.name, () => {
  const userAgentOf = (userAgent: string) =>
    clientTraits({ headers: { 'user-agent': userAgent } }, { of: () => [] }).userAgent;

  it('keeps of the user agent only what can be displayed: short, well-formed, no control characters', () => {
    expect(userAgentOf('Mozilla/5.0 (X11)')).toBe('Mozilla/5.0 (X11)');
    expect(userAgentOf('x'.repeat(5000))).toHaveLength(256);
    expect(userAgentOf('a\u001b[31mb\u0000\u009bc\td')).toBe('a[31mbcd');
    expect(userAgentOf(`${'x'.repeat(255)}\u{1f600}`)?.isWellFormed()).toBe(true);
    expect(clientTraits({ headers: {} }, { of: () => [] }).userAgent).toBeNull();
  });
});

describe(cookiesOf.name, () => {
  it('parses the header of a request once, however many cookies are read', () => {
    let reads = 0;
    const headers = {
      get cookie() {
        reads += 1;
        return 'one=1; two=2; empty=';
      },
    };
    const request = { headers };
    expect(['one', 'two', 'empty', 'none'].map((name) => cookiesOf(request, name))).toEqual([
      ['1'],
      ['2'],
      [],
      [],
    ]);
    expect(reads).toBe(1);
    expect(cookiesOf({ headers: { cookie: 'one=other' } }, 'one')).toEqual(['other']);
  });

  it('joins separate headers', () => {
    expect(cookiesOf({ headers: { cookie: ['one=1', 'two=2'] } }, 'two')).toEqual(['2']);
  });

  it('returns all cookies of one name in order, each value once', () => {
    const headers = { cookie: 'a=1; b=x; a=2; A=3; a=1; a=; a' };
    expect(cookiesOf({ headers }, 'a')).toEqual(['1', '2']);
  });
});
