import { describe, expect, it } from '@jest/globals';
import { ExecutionContextHost } from '@nestjs/core/helpers/execution-context-host.js';
import { Reflector } from '@nestjs/core';
import { AccessTokenGuard } from '../../src/auth/guards/jwt-auth.guard.js';
import { RolesGuard } from '../../src/auth/guards/roles.guard.js';
import { AuthEventBus } from '../../src/events/auth-event-bus.js';
import { addressOf, clientOf, requestOf } from '../../src/auth/http-request.js';
import { resolveOptions } from '../../src/core/options/resolve-options.js';

const OPTIONS = resolveOptions({
  issuer: 'https://api.example.com',
  keys: { access: ['q8Zr4kT2mXw9pLc7vBn5sHd3gFj1aYe6'], refresh: ['e6Ya1jFg3dHs5nBv7cLp9wXm2Tk4rZ8q'] },
});
const HEADERS = { authorization: 'Bearer some.access.token' };

function context(type: string, ...parameters: unknown[]): ExecutionContextHost {
  const host = new ExecutionContextHost(parameters, class {}, () => {});
  host.setType(type);
  return host;
}

/** Contexts without a request: whatever stands in its place is the caller's own words. */
const WITHOUT_REQUEST: [string, ExecutionContextHost][] = [
  ['GraphQL without a context', context('graphql', {}, {}, undefined, {})],
  ['GraphQL whose context has no request', context('graphql', {}, {}, {}, {})],
  ['GraphQL subscriptions', context('graphql', {}, {}, { req: { extra: {} } }, {})],
  ['a native WebSocket client', context('ws', { send() {}, emit() {} }, { headers: HEADERS })],
  ['a socket without anything', context('ws', undefined, {})],
  ['a microservice', context('rpc', { headers: HEADERS, user: { roles: ['admin'] } }, {})],
  ['a microservice with text for data', context('rpc', 'text', {})],
  ['a microservice without data', context('rpc', undefined, {})],
  ['a transport nobody has heard of', context('telegraph', { headers: HEADERS, user: { roles: ['admin'] } })],
];

describe(requestOf.name, () => {
  it.each(WITHOUT_REQUEST)('%s: nobody asks', (_, host) => {
    expect(requestOf(host)).toEqual({ method: '', headers: {}, protocol: '', host: '' });
  });

  it.each<[string, ExecutionContextHost]>([
    ['HTTP', context('http', { headers: HEADERS })],
    ['GraphQL', context('graphql', {}, {}, { req: { headers: HEADERS } }, {})],
    ['socket.io', context('ws', { handshake: { headers: HEADERS } }, {})],
    ['a native client that a host gave the headers of its upgrade', context('ws', { headers: HEADERS }, {})],
  ])('%s: the headers of the request', (_, host) => {
    expect(requestOf(host).headers).toBe(HEADERS);
  });
});

describe('guards where there is no request', () => {
  const accessTokenGuard = new AccessTokenGuard(undefined as never, undefined as never);
  const reflector = { getAllAndOverride: () => ['admin'] } as unknown as Reflector;

  it.each(WITHOUT_REQUEST)('%s: ACCESS_TOKEN_MISSING, and roles are believed to nobody', async (_, host) => {
    const missing = { name: 'AuthError', code: 'ACCESS_TOKEN_MISSING' };
    await expect(accessTokenGuard.canActivate(host)).rejects.toMatchObject(missing);
    await expect(new RolesGuard(reflector, new AuthEventBus(null)).canActivate(host)).rejects.toMatchObject(
      missing,
    );
  });
});

describe(RolesGuard.name, () => {
  it('refuses whom a guard of the host let in, too: of a user without a session there is nothing to tell', async () => {
    const events = new AuthEventBus(null);
    const told: string[] = [];
    events.onEvery((name) => told.push(name));
    const reflector = { getAllAndOverride: () => ['admin'] } as unknown as Reflector;
    const user = { id: 'service-7', roles: ['service'] };
    const host = context('http', { headers: HEADERS, user });
    await expect(new RolesGuard(reflector, events).canActivate(host)).rejects.toMatchObject({ status: 403 });
    expect(told).toEqual([]);
  });
});

describe(addressOf.name, () => {
  it.each(['203.0.113.9', '::1', '2001:db8::8:800:200c:417a', '::ffff:203.0.113.9', 'fe80::1%eth0'])(
    '%s is an address',
    (ip) => {
      expect(addressOf({ ip })).toBe(ip);
    },
  );

  it.each([
    undefined,
    '',
    'unknown',
    '203.0.113.9, 10.0.0.1',
    '<b>',
    'x'.repeat(12_000),
    `fe80::1%${'x'.repeat(12_000)}`,
  ])('anything else is none', (ip) => {
    expect(addressOf({ ip })).toBe('');
  });
});

describe(clientOf.name, () => {
  const userAgentOf = (userAgent: string) =>
    clientOf({ headers: { 'user-agent': userAgent } }, OPTIONS.fingerprint).userAgent;

  it('keeps of the user agent what can be shown: short, well-formed, no control characters', () => {
    expect(userAgentOf('Mozilla/5.0 (X11)')).toBe('Mozilla/5.0 (X11)');
    expect(userAgentOf('x'.repeat(5000))).toHaveLength(256);
    expect(userAgentOf('a\u001b[31mb\u0000\u009bc\td')).toBe('a[31mbcd');
    expect(userAgentOf(`${'x'.repeat(255)}\u{1f600}`)?.isWellFormed()).toBe(true);
    expect(clientOf({ headers: {} }, OPTIONS.fingerprint).userAgent).toBeNull();
  });
});
