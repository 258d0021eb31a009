import { afterEach, describe, expect, it } from '@jest/globals';
import {
  type CanActivate,
  Controller,
  type ExecutionContext,
  ForbiddenException,
  Get,
  Injectable,
  type Provider,
  UseGuards,
} from '@nestjs/common';
import { APP_GUARD, Reflector } from '@nestjs/core';
import { AdminController } from '../../src/auth/admin/admin.controller.js';
import { UsersController } from '../../src/auth/admin/users.controller.js';
import { REQUIRED_ROLES } from '../../src/http/decorators/roles.decorator.js';
import {
  ACCESS_TOKEN_STRATEGY,
  type AuthenticatedUser,
  type AuthModuleExtras,
  CurrentUser,
  IS_PUBLIC,
  JwtAuthGuard,
  OptionalJwtAuthGuard,
  Public,
  REFRESH_TOKEN_STRATEGY,
  Roles,
  RolesGuard,
  UsersService,
} from '../../src/index.js';
import { ADAPTERS, HostApp } from '../support/host-app.js';
import { expectError, expectGuardRefusal, newSession, PASSWORD, uniqueEmail } from '../support/http.js';

@Controller('reports')
class ReportsController {
  @Get('global')
  @Roles('admin')
  byGlobalGuards(@CurrentUser() user: AuthenticatedUser) {
    return { id: user.id };
  }

  @Get('reversed')
  @Roles('admin')
  @UseGuards(RolesGuard, JwtAuthGuard)
  reversed(@CurrentUser() user: AuthenticatedUser) {
    return { id: user.id };
  }

  @Get('optional')
  @Public()
  @UseGuards(OptionalJwtAuthGuard)
  optional(@CurrentUser() user?: AuthenticatedUser) {
    return { id: user?.id ?? null };
  }
}

const rolesGuard: Provider = { provide: APP_GUARD, useClass: RolesGuard };
const jwtGuard: Provider = { provide: APP_GUARD, useClass: JwtAuthGuard };

/** A guard as in the documentation of Nest, with the exported key. */
@Injectable()
class GuardOfTheHost implements CanActivate {
  constructor(private readonly reflector: Reflector) {}

  canActivate(context: ExecutionContext): boolean {
    if (this.reflector.getAllAndOverride<boolean>(IS_PUBLIC, [context.getHandler(), context.getClass()]))
      return true;
    throw new ForbiddenException();
  }
}

let host: HostApp | undefined;
afterEach(async () => {
  await host?.stop();
  host = undefined;
});

async function startHost(
  adapter: (typeof ADAPTERS)[number],
  providers: Provider[],
  extras: AuthModuleExtras = {},
) {
  host = await HostApp.start(adapter, extras, { providers, controllers: [ReportsController] });
  const api = host.api();
  const email = uniqueEmail('admin');
  const credentials = { email, password: PASSWORD, roles: ['admin'], isEmailVerified: true };
  await host.app.get(UsersService).register(credentials);
  const admin = (await api.login({ email, password: PASSWORD })).json;
  return { api, admin, user: await newSession(api) };
}

describe.each(ADAPTERS)('guards in any order (%s)', (adapter) => {
  it.each<[string, Provider[], AuthModuleExtras]>([
    ['globalGuard', [], { globalGuard: true }],
    ['globalGuard and a RolesGuard', [rolesGuard], { globalGuard: true }],
    ['a RolesGuard alone', [rolesGuard], {}],
    ['both', [jwtGuard, rolesGuard], {}],
    ['both, in the wrong order', [rolesGuard, jwtGuard], {}],
  ])("%s: roles are enforced, and the administrators' routes work", async (_what, providers, extras) => {
    const { api, admin, user } = await startHost(adapter, providers, extras);
    const token = admin.accessToken;
    for (const path of ['/reports/global', '/reports/reversed']) {
      expect((await api.send('GET', path, { token })).json).toEqual({ id: admin.user.id });
      expectError(await api.send('GET', path, { token: user.accessToken }), 403, 'FORBIDDEN');
      expectGuardRefusal(await api.send('GET', path), 'ACCESS_TOKEN_MISSING');
      expectGuardRefusal(await api.send('GET', path, { token: 'bad' }), 'ACCESS_TOKEN_INVALID');
    }
    const sessions = `/auth/admin/users/${user.userId}/sessions`;
    expect((await api.send('GET', sessions, { token })).json).toHaveLength(1);
    expectError(await api.send('GET', sessions, { token: user.accessToken }), 403, 'FORBIDDEN');
    expectGuardRefusal(await api.send('GET', sessions), 'ACCESS_TOKEN_MISSING');
    expect((await api.me(token)).status).toBe(200);
  });

  it('a guard of the host that knows the exported key does not affect the routes of the library', async () => {
    const { api, admin } = await startHost(adapter, [{ provide: APP_GUARD, useClass: GuardOfTheHost }]);
    expect((await api.me(admin.accessToken)).status).toBe(200);
    expect((await api.send('GET', '/auth/admin/events', { token: admin.accessToken })).status).toBe(200);
    expect((await api.send('GET', '/reports/global', { token: admin.accessToken })).status).toBe(403);
  });

  it('a public route knows the user if there is one, and refuses a bad token', async () => {
    const { api, user } = await startHost(adapter, [], { globalGuard: true });
    const path = '/reports/optional';
    expect((await api.send('GET', path)).json).toEqual({ id: null });
    expect((await api.send('GET', path, { token: user.accessToken })).json).toEqual({ id: user.userId });
    expectGuardRefusal(await api.send('GET', path, { token: 'bad' }), 'ACCESS_TOKEN_INVALID');
    await api.logout({ token: user.accessToken });
    expectGuardRefusal(await api.send('GET', path, { token: user.accessToken }), 'ACCESS_TOKEN_REVOKED');
  });
});

it('names its strategies', () => {
  expect([ACCESS_TOKEN_STRATEGY, REFRESH_TOKEN_STRATEGY]).toEqual([
    'silent-auth-access',
    'silent-auth-refresh',
  ]);
});

// A host's global guard that reads them would run before the guard that finds the user.
it.each([AdminController, UsersController])(
  '%p sets no roles metadata for the guards of a host',
  (controller) => {
    expect(Reflect.hasMetadata(REQUIRED_ROLES, controller)).toBe(false);
  },
);
