import { type DynamicModule, Module, type Type } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AuditModule } from '../audit/audit.module.js';
import { SecurityReportModule } from '../audit/report/security-report.module.js';
import { DatabaseModule } from '../database/database.module.js';
import { DoctorService, REFRESH_ROUTE } from '../doctor/doctor.service.js';
import { LIBRARY_ROUTES, ShadowedRoutes } from '../doctor/shadowed-routes.js';
import { AccessTokenBinding } from '../http/access-token-binding.js';
import { AccessTokens } from '../http/access-tokens.js';
import { ClientReader } from '../http/client-reader.js';
import { loadContextExceptions } from '../http/context-exceptions.js';
import { controllerAt, controllerRoutes } from '../http/controller-at.js';
import { DeviceCookie } from '../http/device-cookie.js';
import { AuthErrorFilter } from '../http/filters/auth-error.filter.js';
import { ParseErrorFilter } from '../http/filters/parse-error.filter.js';
import { UnexpectedErrorFilter } from '../http/filters/unexpected-error.filter.js';
import { ForwardedWatch } from '../http/forwarded-watch.js';
import { FreshAuth } from '../http/fresh-auth.js';
import { CrossSiteGuard } from '../http/guards/cross-site.guard.js';
import { AccessTokenGuard, JwtAuthGuard, OptionalJwtAuthGuard } from '../http/guards/jwt-auth.guard.js';
import { JwtRefreshGuard } from '../http/guards/jwt-refresh.guard.js';
import { OwnerGuard } from '../http/guards/owner.guard.js';
import { RequestShapeGuard } from '../http/guards/request-shape.guard.js';
import { AdministratorGuard, RolesGuard } from '../http/guards/roles.guard.js';
import { LoginThrottleGuard, RefreshThrottleGuard } from '../http/guards/throttle.guard.js';
import { OneCookieEach } from '../http/one-cookie-each.js';
import { OneGuardForAll } from '../http/one-guard-for-all.js';
import { PresentedRefreshTokens } from '../http/presented-refresh-tokens.js';
import { ProofReader } from '../http/proof-reader.js';
import { RefreshCookie } from '../http/refresh-cookie.js';
import { RequestAuthenticator } from '../http/request-authenticator.js';
import { SocketSessions } from '../http/socket-sessions.js';
import { JwtStrategy } from '../http/strategies/jwt.strategy.js';
import { JwtRefreshStrategy } from '../http/strategies/jwt-refresh.strategy.js';
import { Tickets } from '../http/tickets.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import type { AuthOptions } from '../options/auth-options.js';
import { AUTH_OPTIONS, type ModuleOptions, resolveOptions } from '../options/resolve-options.js';
import { RevocationModule } from '../revocation/revocation.module.js';
import { ThrottleModule } from '../throttle/throttle.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { UsersModule } from '../users/users.module.js';
import { AccountController } from './account/account.controller.js';
import { AccountService } from './account/account.service.js';
import { UserRemovalService } from './account/user-removal.service.js';
import { AdminController } from './admin/admin.controller.js';
import { AdminService } from './admin/admin.service.js';
import { ImpersonationService } from './admin/impersonation.service.js';
import { UserAdminService } from './admin/user-admin.service.js';
import { UsersController } from './admin/users.controller.js';
import {
  ASYNC_OPTIONS_TYPE,
  type AuthModuleExtras,
  checkExtras,
  ConfigurableAuthOptionsModule,
  OPTIONS_TYPE,
  RAW_AUTH_OPTIONS,
  resolveExtras,
} from './auth.module-definition.js';
import { DeviceBoundSessionController } from './device-bound/device-bound-session.controller.js';
import { DeviceBoundSessions } from './device-bound/device-bound-sessions.js';
import { IntrospectionModule } from './oauth/introspection.module.js';
import { WELL_KNOWN_MOUNTS, WellKnownRoutes } from './oauth/well-known.routes.js';
import { MailerGuard } from './recovery/mailer.guard.js';
import { PasswordResetService } from './recovery/password-reset.service.js';
import { RecoveryController } from './recovery/recovery.controller.js';
import { AuthController } from './session/auth.controller.js';
import { AuthService } from './session/auth.service.js';
import { AuthHttp } from './session/auth-http.js';
import { LoginService } from './session/login.service.js';
import { PasswordChangeService } from './session/password-change.service.js';
import { PasswordConfirmation } from './session/password-confirmation.js';
import { PasswordLockout } from './session/password-lockout.js';
import { ReauthenticationService } from './session/reauthentication.service.js';
import { TicketController } from './sockets/ticket.controller.js';
import { EmailChangeService } from './verification/email-change.service.js';
import { EmailVerificationService } from './verification/email-verification.service.js';

/** Injection token of the names and problems of the module's extras, for the check of the options. */
export const MODULE_OPTIONS = Symbol('MODULE_OPTIONS');
const CONTEXT_EXCEPTIONS = Symbol('CONTEXT_EXCEPTIONS');

/** Exported to hosts. */
const SHARED = [
  AuthService,
  PasswordResetService,
  EmailVerificationService,
  AdminService,
  UserAdminService,
  ImpersonationService,
  UserRemovalService,
  EmailChangeService,
  DoctorService,
  AuthHttp,
  RefreshCookie,
  PresentedRefreshTokens,
  DeviceCookie,
  AuthErrorFilter,
  ParseErrorFilter,
  JwtStrategy,
  JwtRefreshStrategy,
  // Nest creates guards in the module that uses them, so hosts need their dependencies too.
  AccessTokenBinding,
  AccessTokens,
  SocketSessions,
  Tickets,
  FreshAuth,
  RequestAuthenticator,
  JwtAuthGuard,
  OptionalJwtAuthGuard,
  JwtRefreshGuard,
  RolesGuard,
  CrossSiteGuard,
  LoginThrottleGuard,
  RefreshThrottleGuard,
];

const INTERNAL = [
  AccountService,
  DeviceBoundSessions,
  LoginService,
  PasswordChangeService,
  PasswordLockout,
  AccessTokenGuard,
  AdministratorGuard,
  MailerGuard,
  OwnerGuard,
  RequestShapeGuard,
  ClientReader,
  ReauthenticationService,
  PasswordConfirmation,
  ForwardedWatch,
  OneCookieEach,
  OneGuardForAll,
  ShadowedRoutes,
  ProofReader,
  UnexpectedErrorFilter,
];

/** Resolves the options once, for every module of the library. */
@Module({
  providers: [
    {
      provide: AUTH_OPTIONS,
      useFactory: (raw: AuthOptions, module: ModuleOptions) => resolveOptions(raw, module),
      inject: [RAW_AUTH_OPTIONS, MODULE_OPTIONS],
    },
  ],
  exports: [AUTH_OPTIONS],
})
class AuthOptionsModule extends ConfigurableAuthOptionsModule {}

/**
 * Registration, login, silent refresh, logout, sessions and revocation, on the host's Mongoose connection. Adds no body
 * parser and no global pipe. It has middleware only on its own OAuth endpoints, and its global filter catches only its own
 * errors.
 *
 * @example
 * AuthModule.forRoot({ issuer: 'https://api.example.com', keys: { access: [accessSecret], refresh: [refreshSecret] } })
 */
@Module({})
export class AuthModule {
  /** @throws ConfigurationError at boot, with every problem of the options at once */
  static forRoot(options: typeof OPTIONS_TYPE): DynamicModule {
    return assemble(AuthOptionsModule.forRoot(options), options, checkExtras(options, 'forRoot'));
  }

  /** Like `forRoot`, with options from a factory, a class or an existing provider. */
  static forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return assemble(AuthOptionsModule.forRootAsync(options), options, checkExtras(options, 'forRootAsync'));
  }
}

function assemble(given: DynamicModule, extras: AuthModuleExtras, module: ModuleOptions): DynamicModule {
  const { isGlobal, globalGuard, routePrefix, controllers, connectionName } = resolveExtras(extras);
  const options: DynamicModule = {
    ...given,
    providers: [...(given.providers ?? []), { provide: MODULE_OPTIONS, useValue: module }],
  };
  const modules = modulesOf(options, connectionName, controllers.introspection ? routePrefix : null);
  const mounted = controllersAt(routePrefix, controllers);
  return {
    module: AuthModule,
    global: isGlobal,
    imports: modules,
    controllers: mounted,
    providers: [
      ...SHARED,
      ...INTERNAL,
      { provide: LIBRARY_ROUTES, useValue: mounted.flatMap(controllerRoutes) },
      { provide: REFRESH_ROUTE, useValue: controllers.auth ? refreshRouteAt(routePrefix) : null },
      {
        provide: WELL_KNOWN_MOUNTS,
        useValue: { routePrefix, hasKeySet: controllers.jwks, hasOauth: controllers.introspection },
      },
      WellKnownRoutes,
      { provide: CONTEXT_EXCEPTIONS, useFactory: loadContextExceptions },
      { provide: APP_FILTER, useExisting: AuthErrorFilter },
      ...(globalGuard
        ? [
            { provide: APP_GUARD, useExisting: JwtAuthGuard },
            { provide: APP_GUARD, useExisting: RolesGuard },
          ]
        : []),
    ],
    exports: [...SHARED, ...modules],
  };
}

function controllersAt(path: string, { auth, admin }: { auth: boolean; admin: boolean }): Type<object>[] {
  const ofUsers = [
    AuthController,
    DeviceBoundSessionController,
    TicketController,
    RecoveryController,
    AccountController,
  ];
  return [
    ...(auth ? ofUsers.map((each: Type<object>) => controllerAt(path, each)) : []),
    ...(admin
      ? [controllerAt(`${path}/admin`, AdminController), controllerAt(`${path}/admin/users`, UsersController)]
      : []),
  ];
}

/** The modules of the library, each with the modules that it needs. */
function modulesOf(
  options: DynamicModule,
  connectionName: string | undefined,
  oauthPath: string | null,
): DynamicModule[] {
  const database = DatabaseModule.register({ options, connectionName });
  const revocation = RevocationModule.register({ options, database, connectionName });
  const users = UsersModule.register({ options, database, connectionName });
  const tokens = TokensModule.register({ options, database, revocation, users, connectionName });
  const throttle = ThrottleModule.register({ options, database, connectionName });
  const made = { options, database, revocation, users, tokens, throttle };
  const audit = AuditModule.register({ options, database, connectionName });
  return [
    ...Object.values(made),
    audit,
    SecurityReportModule.register({ audit, database, users, tokens }),
    NotificationsModule.register(made),
    IntrospectionModule.register({ ...made, path: oauthPath }),
  ];
}

/** The end of the path of the refresh, without prefixes of the host. */
function refreshRouteAt(routePrefix: string): string {
  return `/${routePrefix}/refresh`.replace(/\/{2,}/g, '/');
}
