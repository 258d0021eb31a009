import { type DynamicModule, Module, type Provider } from '@nestjs/common';
import { APP_FILTER, APP_GUARD } from '@nestjs/core';
import { AuditModule } from '../audit/audit.module.js';
import type { AuthOptions } from '../core/options/auth-options.js';
import { AUTH_OPTIONS, type ModuleOptions, resolveOptions } from '../core/options/resolve-options.js';
import { DatabaseModule } from '../database/database.module.js';
import { NotificationsModule } from '../notifications/notifications.module.js';
import { RevocationModule } from '../revocation/revocation.module.js';
import { TokensModule } from '../tokens/tokens.module.js';
import { ThrottleModule } from '../throttle/throttle.module.js';
import { UsersModule } from '../users/users.module.js';
import { adminControllerAt } from './admin/admin.controller.js';
import { AdminService } from './admin/admin.service.js';
import { authControllerAt } from './auth.controller.js';
import {
  ASYNC_OPTIONS_TYPE,
  type AuthModuleExtras,
  checkExtras,
  ConfigurableAuthOptionsModule,
  OPTIONS_TYPE,
  RAW_AUTH_OPTIONS,
} from './auth.module-definition.js';
import { AuthHttp } from './auth-http.js';
import { AuthService } from './auth.service.js';
import { DeviceCookie } from './device-cookie.js';
import { DoctorService, REFRESH_ROUTE } from './doctor/doctor.service.js';
import { ForwardedWatch } from './doctor/forwarded-watch.js';
import { AuthErrorFilter } from './filters/auth-error.filter.js';
import { ParseErrorFilter } from './filters/parse-error.filter.js';
import { UnexpectedErrorFilter } from './filters/unexpected-error.filter.js';
import { CrossSiteGuard } from './guards/cross-site.guard.js';
import { AccessTokenGuard, JwtAuthGuard } from './guards/jwt-auth.guard.js';
import { JwtRefreshGuard } from './guards/jwt-refresh.guard.js';
import { RequestShapeGuard } from './guards/request-shape.guard.js';
import { RolesGuard } from './guards/roles.guard.js';
import { LoginThrottleGuard, RefreshThrottleGuard } from './guards/throttle.guard.js';
import { JwksController } from './jwks.controller.js';
import { IntrospectionModule } from './oauth/introspection.module.js';
import { EmailVerificationService } from './recovery/email-verification.service.js';
import { MailerGuard } from './recovery/mailer.guard.js';
import { PasswordResetService } from './recovery/password-reset.service.js';
import { recoveryControllerAt } from './recovery/recovery.controller.js';
import { RefreshCookie } from './refresh-cookie.js';

const MODULE_OPTIONS = Symbol('MODULE_OPTIONS');

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
 * parser, no global pipe, and no middleware but on its own OAuth endpoints; its global filter catches its own errors only.
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

  /** As `forRoot`, with options from a factory, a class or an existing provider. */
  static forRootAsync(options: typeof ASYNC_OPTIONS_TYPE): DynamicModule {
    return assemble(AuthOptionsModule.forRootAsync(options), options, checkExtras(options, 'forRootAsync'));
  }
}

function assemble(given: DynamicModule, extras: AuthModuleExtras, module: ModuleOptions): DynamicModule {
  const options: DynamicModule = {
    ...given,
    providers: [...(given.providers ?? []), { provide: MODULE_OPTIONS, useValue: module }],
  };
  const {
    isGlobal = true,
    globalGuard = false,
    routePrefix = 'auth',
    controllers = {},
    connectionName,
  } = extras;
  const database = DatabaseModule.register(options, connectionName);
  const revocation = RevocationModule.register(options, database, connectionName);
  const users = UsersModule.register(options, database, connectionName);
  const tokens = TokensModule.register({ options, database, revocation, users }, connectionName);
  const audit = AuditModule.register({ options, database, users, tokens }, connectionName);
  const notifications = NotificationsModule.register(options, database, users);
  const throttle = ThrottleModule.register(options, connectionName);
  const introspection = IntrospectionModule.register(
    controllers.introspection === false ? null : routePrefix,
    [options, database, revocation, users, tokens, throttle],
  );
  const shared = [
    AuthService,
    PasswordResetService,
    EmailVerificationService,
    AdminService,
    DoctorService,
    AuthHttp,
    RefreshCookie,
    DeviceCookie,
    AuthErrorFilter,
    ParseErrorFilter,
    JwtAuthGuard,
    JwtRefreshGuard,
    RolesGuard,
    CrossSiteGuard,
    LoginThrottleGuard,
    RefreshThrottleGuard,
  ];
  const global: Provider[] = [{ provide: APP_FILTER, useExisting: AuthErrorFilter }];
  if (globalGuard) global.push({ provide: APP_GUARD, useExisting: JwtAuthGuard });
  return {
    module: AuthModule,
    global: isGlobal,
    imports: [options, database, revocation, users, tokens, audit, notifications, throttle, introspection],
    controllers: [
      ...(controllers.auth === false
        ? []
        : [authControllerAt(routePrefix), recoveryControllerAt(routePrefix)]),
      ...(controllers.admin === false ? [] : [adminControllerAt(routePrefix)]),
      ...(controllers.jwks === false ? [] : [JwksController]),
    ],
    providers: [
      ...shared,
      AccessTokenGuard,
      MailerGuard,
      RequestShapeGuard,
      ForwardedWatch,
      UnexpectedErrorFilter,
      { provide: REFRESH_ROUTE, useValue: refreshRouteAt(controllers.auth === false ? null : routePrefix) },
      ...global,
    ],
    exports: [
      ...shared,
      options,
      database,
      revocation,
      users,
      tokens,
      audit,
      notifications,
      throttle,
      introspection,
    ],
  };
}

/** How the path of the refresh ends, whatever stands before it; null where the host serves its own. */
function refreshRouteAt(routePrefix: string | null): string | null {
  return routePrefix === null ? null : `/${routePrefix}/refresh`.replace(/\/{2,}/g, '/');
}
